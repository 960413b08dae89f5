"""Sampling options over a model's defaults."""

from ai_pal.catalog import CATALOG
from ai_pal.protocol.chat import Options
from ai_pal.protocol.worker import STOP_REPEATING

DEFAULTS = Options(temperature=0.2, top_p=0.9, stop=["END"], extra={"a": 1})


def test_what_is_left_out_comes_from_the_defaults() -> None:
    assert Options(max_tokens=5).over(DEFAULTS) == Options(0.2, 0.9, 5, None, ["END"], {"a": 1})


def test_the_starter_stops_where_it_repeats_itself_unless_a_request_says_otherwise() -> None:
    defaults = CATALOG["smollm2"].sampling
    assert Options(temperature=1.0).over(defaults).extra == {STOP_REPEATING: True}
    assert Options(extra={STOP_REPEATING: False}).over(defaults).extra == {STOP_REPEATING: False}
    assert all(
        STOP_REPEATING not in entry.sampling.extra for entry in CATALOG.values() if entry.name != "smollm2"
    )


def test_what_is_said_wins_also_zero() -> None:
    said = Options(temperature=0.0, top_p=1.0, stop=["."], extra={"a": 2})
    assert said.over(DEFAULTS) == said
