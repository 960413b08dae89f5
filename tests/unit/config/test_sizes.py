"""Sizes in text and back."""

import pytest

from ai_pal.config.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GB", 8 * 10**9), ("512 MiB", 512 << 20), ("1.5g", 1_500_000_000), ("7", 7), (0, 0), (1024, 1024)],
)
def test_reads_what_people_write(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("wrong", ["8 apples", "", "-1", -1, True, None, float("inf"), "GB"])
def test_refuses_the_rest_with_an_example(wrong: object) -> None:
    with pytest.raises(ValueError, match="8GB"):
        parse_size(wrong)


@pytest.mark.parametrize("size", [0, 1, 1000, 1024, 8 * 10**9, 512 << 20, 3 << 40])
def test_what_is_written_reads_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_writes_the_shortest_unit() -> None:
    assert [format_size(size) for size in (8 * 10**9, 512 << 20, 999)] == ["8GB", "512MiB", "999"]
