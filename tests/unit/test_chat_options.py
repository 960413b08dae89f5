"""Sampling options over a model's defaults."""

from ai_pal.messages.chat import Options

DEFAULTS = Options(temperature=0.2, top_p=0.9, stop=["END"], extra={"a": 1})


def test_what_is_left_out_comes_from_the_defaults() -> None:
    assert Options(max_tokens=5).over(DEFAULTS) == Options(0.2, 0.9, 5, None, ["END"], {"a": 1})


def test_what_is_said_wins_also_zero() -> None:
    said = Options(temperature=0.0, top_p=1.0, stop=["."], extra={"a": 2})
    assert said.over(DEFAULTS) == said
