"""Durations: what people write, in seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (90, 90.0),
        (1.5, 1.5),
        (-1, -1.0),
        ("0", 0.0),
        ("-1", -1.0),
        ("45", 45.0),
        ("2.5s", 2.5),
        ("500ms", 0.5),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        (" 2D ", 172_800.0),
        ("never", -1.0),
        (" Never", -1.0),
        ("36500d", 36_500 * 86_400.0),
    ],
)
def test_is_read(written: object, seconds: float) -> None:
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "junk", ["", "ten", "10x", "m", "-5m", "1e999", "nan", -2, True, None, [], float("inf"), "10m!"]
)
def test_junk_is_refused_with_the_value_and_examples(junk: object) -> None:
    with pytest.raises(ValueError, match=r"not a duration: use seconds or a text such as '10m'"):
        parse_duration(junk)


@pytest.mark.parametrize("long", ["1e300", 1e300, "36501d", 10**40])
def test_more_than_a_hundred_years_is_refused(long: object) -> None:
    with pytest.raises(ValueError, match=r"longer than 100 years: write 'never'"):
        parse_duration(long)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "never"),
        (300, "5m"),
        (5400, "1h30m"),
        (0.5, "0.5s"),
        (0.016, "16ms"),
        (90061, "1d1h1m1s"),
    ],
)
def test_is_written_the_usual_way(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**7))
def test_whole_seconds_survive_the_round_trip(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
