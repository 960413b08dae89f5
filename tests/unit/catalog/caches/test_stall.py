"""Seeing from outside whether something moves."""

from pathlib import Path

from ai_pal.catalog.caches.stall import StallWatch, largest_file


def test_a_figure_that_stands_still_for_the_limit_is_stalled() -> None:
    watch = StallWatch(10, now=0)
    assert not watch.is_stalled(5, now=1)
    assert not watch.is_stalled(5, now=10.9)
    assert watch.is_stalled(5, now=11)


def test_movement_starts_the_limit_anew() -> None:
    watch = StallWatch(10, now=0)
    watch.is_stalled(5, now=1)
    assert not watch.is_stalled(6, now=10)
    assert not watch.is_stalled(6, now=19)
    assert watch.is_stalled(6, now=20)


def test_the_largest_file_counts_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "large").write_bytes(bytes(100))
    (tmp_path / "small").write_bytes(bytes(10))
    assert largest_file(tmp_path) == 100
    assert largest_file(tmp_path / "missing") == 0
