"""Sampling options over a model's defaults."""

from ai_pal.catalog import CATALOG
from ai_pal.protocol.options import GenerationOptions

DEFAULTS = GenerationOptions(temperature=0.2, top_p=0.9, stop=["END"], extra={"a": 1})


def test_what_is_left_out_comes_from_the_defaults() -> None:
    assert GenerationOptions(max_tokens=5).over(DEFAULTS) == GenerationOptions(
        0.2, 0.9, 5, None, ["END"], {"a": 1}
    )


def test_the_starter_stops_where_it_repeats_itself_unless_a_request_says_otherwise() -> None:
    defaults = CATALOG["smollm2"].sampling
    assert GenerationOptions(temperature=1.0).over(defaults).stop_repeating is True
    assert GenerationOptions(stop_repeating=False).over(defaults).stop_repeating is False
    assert all(not entry.sampling.stop_repeating for entry in CATALOG.values() if entry.name != "smollm2")


def test_what_is_said_wins_also_zero() -> None:
    said = GenerationOptions(temperature=0.0, top_p=1.0, stop=["."], extra={"a": 2})
    assert said.over(DEFAULTS) == said
