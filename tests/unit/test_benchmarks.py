"""Figures against their targets, the choice of measurements, and the page's tables from kept figures."""

from pathlib import Path

import pytest

from scripts.benchmarks import page, saved
from scripts.benchmarks.figures import Row, of_medians, row, skipped, sure_of_median
from scripts.benchmarks.parts import PARTS, choose

TEXT = """before
<!-- bench: spine -->
old
<!-- end of bench -->
<!-- bench: memory.estimates -->
kept
<!-- end of bench -->
"""


def ran(*rows: Row) -> saved.Run:
    return saved.Run(list(rows), 3, 1, "2026-11-22T10:00+00:00", "0.1", "2 cores")


@pytest.mark.parametrize(("value", "reached"), [(0.94, False), (0.95, True), (1.15, True), (1.16, False)])
def test_a_target_may_have_two_sides(value: float, reached: bool) -> None:
    assert row("estimate / peak", [value], at_least=0.95, at_most=1.15).reached is reached


def test_what_was_not_measured_misses_no_target() -> None:
    assert skipped("serve", "not installed").reached is None


def test_a_ratio_of_medians_is_not_moved_by_one_bad_sample() -> None:
    assert of_medians("speed", [10, 10, 1], [5, 5, 5]).value == 2


def test_every_measurement_can_be_chosen_by_its_name() -> None:
    for name, part in PARTS.items():
        for measure in {**part.measures, **part.large}:
            assert [(one.part, one.name) for one in choose([f"{name}.{measure}"], large=False)] == [
                (name, measure)
            ]
    assert "memory.large" not in {f"{one.part}.{one.name}" for one in choose([], large=False)}


@pytest.mark.parametrize("name", ["nothing", "spine.nothing", "."])
def test_an_unknown_part_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        choose([name], large=False)


def test_blocks_are_written_and_those_without_figures_stay() -> None:
    runs = {"spine.path": ran(row("speed", [0.5], "x", at_least=0.93, note="50 against 100"))}
    text = page.rendered(TEXT, runs)
    assert "| speed | 0.5 x; 50 against 100 | >= 0.93: **missed** |" in text
    assert "old" not in text
    assert "kept" in text
    assert page.rendered(text, runs) == text


def test_subjects_make_a_table_and_what_is_absent_is_said() -> None:
    rows = [
        row("peak", [365], "MB", subject="smollm2"),
        row("later loads", [1.05], subject="smollm2"),
        skipped("peak", "not here: ai-pal pull phi-2", subject="phi-2"),
    ]
    text = page.tables([ran(*rows)])
    assert "| | peak | later loads |" in text
    assert "| smollm2 | 365 MB | 1.05 |" in text
    assert "Not measured: phi-2 (not here: ai-pal pull phi-2)." in text


def test_kept_figures_replace_earlier_ones_of_the_same_measurement(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    [one] = choose(["spine.path"], large=False)
    for value in (1.0, 2.0):
        saved.keep(file, one, ran(row("speed", [value])))
    assert [run.rows[0].value for run in saved.load(file).values()] == [2.0]


def test_the_page_says_what_was_kept() -> None:
    runs = saved.load(saved.FILE)
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.rendered(text, runs) == text


@pytest.mark.parametrize(("count", "outside"), [(1, 0), (5, 0), (6, 0), (9, 1), (20, 5)])
def test_the_median_is_sure_to_lie_between_two_samples(count: int, outside: int) -> None:
    samples = [float(number) for number in reversed(range(count))]
    assert sure_of_median(samples) == (outside, count - 1 - outside)
