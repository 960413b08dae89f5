"""Charts: whatever the names and figures, they are one SVG, and draw what they were told."""

import itertools
from xml.etree import ElementTree as ET

import pytest

from ai_pal.cli.records.usage_plot import charts
from ai_pal.cli.terminal.plots import COLOURS, OTHERS, Chart, round_top, short, svg
from ai_pal.store.ledger import Sums, Tokens

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*these: Chart) -> ET.Element:
    return ET.fromstring(svg("a title", these))  # noqa: S314 - our own


def told(root: ET.Element) -> list[str]:
    """What the bars say of themselves."""
    return [title.text or "" for bar in root.iter(f"{SVG}rect") for title in bar.iter(f"{SVG}title")]


def bars(root: ET.Element) -> list[tuple[float, float]]:
    """Where each begins and how high it is."""
    found = [bar for bar in root.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    return [(float(bar.attrib["y"]), float(bar.attrib["height"])) for bar in found]


def test_stacked_bars_stand_on_each_other_and_others_beside() -> None:
    series: dict[str, list[float | None]] = {"a": [1.0, None], "b": [3.0, 2.0]}
    (y_a, a), (y_b, b), (_, c) = bars(drawn(Chart("x", ["p", "q"], series, stacked=True)))
    assert (b, c) == (3 * a, 2 * a)
    assert y_b + b == pytest.approx(y_a, abs=0.2)
    (y_a, a), (y_b, b), _ = bars(drawn(Chart("x", ["p", "q"], series)))
    assert y_a + a == pytest.approx(y_b + b, abs=0.2)


def test_names_of_others_are_text_and_nothing_else() -> None:
    evil = '</title><script>alert(1)</script>\x1b[0m\x00\ufffe" onload="x'
    root = drawn(Chart(evil, [evil], {evil: [1.0], "b": [2.0]}))
    assert not list(root.iter(f"{SVG}script"))
    assert not [one for one in root.iter() if "onload" in one.attrib]
    assert told(root)[0].startswith("</title><script>")


def test_more_series_than_colours_become_others() -> None:
    many = {f"m{n}": [float(n)] for n in range(1, 20)}
    said = told(drawn(Chart("x", ["p"], many, stacked=True)))
    assert len(said) == len(COLOURS)
    assert said[-1] == f"p, {OTHERS}: {sum(range(1, 13))}"


@pytest.mark.parametrize(
    "chart", [Chart("x", [], {}), Chart("x", ["p"], {}), Chart("x", ["p"], {"a": [None]})]
)
def test_nothing_is_drawn_of_nothing(chart: Chart) -> None:
    assert not told(drawn(chart))


def test_a_series_has_the_same_colour_in_each_chart() -> None:
    root = drawn(Chart("x", ["p"], {"a": [1.0], "b": [1.0]}), Chart("y", ["p"], {"b": [1.0]}))
    colours: dict[str, list[str]] = {said: [] for said in ("p, a: 1", "p, b: 1")}
    for bar in root.iter(f"{SVG}rect"):
        for title in bar.iter(f"{SVG}title"):
            colours[title.text or ""].append(bar.attrib["fill"])
    assert [len(set(found)) for found in colours.values()] == [1, 1]
    assert len(colours["p, b: 1"]) == 2


def test_names_below_do_not_run_into_each_other() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    root = drawn(Chart("x", days, {"a": [1.0] * len(days)}))
    places = [float(one.attrib["x"]) for one in root.iter(f"{SVG}text") if one.text in days]
    assert len(places) >= 6
    assert min(after - before for before, after in itertools.pairwise(places)) > 10 * 7
    assert max(places) < 760 - 5 * 7


def test_axes_end_at_round_numbers() -> None:
    assert [round_top(value) for value in (0, 0.03, 1, 17, 99, 400, 810)] == [1, 0.04, 1, 20, 100, 400, 1000]
    assert [short(value) for value in (0.0, 0.25, 12.0, 1234.0, 5.2e6, 3e9)] == [
        "0", "0.25", "12", "1.23k", "5.2M", "3G"
    ]  # fmt: skip


def sums(key: str, answers: int, here: int, cost: float = 0.0, left: int = 0) -> Sums:
    tokens = Tokens(100, 50)
    none = Tokens()
    return Sums(
        key=key, attempts=answers, answers=answers, here=here, left=left, tokens=tokens, cost=cost, mid=none,
        strong=none,
    )  # fmt: skip


def test_usage_is_drawn_by_day_and_model_with_the_days_between() -> None:
    found = charts(
        [
            sums("2026-11-27 smol", 3, 3),
            sums("2026-11-29 openai:gpt 4", 1, 0, 0.5, 1),
            sums("2026-11-29 smol", 1, 1),
        ],
        "2026-11-30",
    )
    tokens, money, here, left = found
    assert tokens.places == ["2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30"]
    assert tokens.series == {"openai:gpt 4": [None, None, 150, None], "smol": [150, None, 150, None]}
    assert money.series == {"openai:gpt 4": [None, None, 0.5, None]}
    assert here.series == {"": [100.0, None, 50.0, None]}
    assert left.series == {"openai:gpt 4": [None, None, 1, None]}
    assert charts([], "2026-11-30")[0].places == ["2026-11-30"]
