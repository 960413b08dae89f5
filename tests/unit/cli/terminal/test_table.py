"""Plain tables, and what becomes of them on a narrow terminal."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cli.terminal.table import GAP, SHORTEST, table

HEAD = ("NAME", "SIZE", "PATH")


def test_columns_are_aligned_and_nothing_is_cut_in_a_pipe() -> None:
    rows = [("a", "1 MB", "/x" * 60), ("longer", "-", "-")]
    assert table(HEAD, rows).splitlines() == [
        "NAME    SIZE  PATH",
        "a       1 MB  " + "/x" * 60,
        "longer  -     -",
    ]


def test_a_narrow_terminal_does_without_what_is_spare_first() -> None:
    rows = [("a", "1 MB", "/x" * 20)]
    assert table(HEAD, rows, width=80, spare=("SIZE",)).splitlines()[0] == "NAME  SIZE  PATH"
    assert table(HEAD, rows, width=50, spare=("SIZE",)).splitlines()[0] == "NAME  PATH"


def test_paths_are_cut_in_the_middle_and_texts_at_the_end() -> None:
    [_, row] = table(
        ("PATH", "TEXT"), [("/home/me/models/coder.gguf", "one two three")], width=30
    ).splitlines()
    path, text = row.split(GAP)
    assert path.startswith("/hom")
    assert path.endswith("coder.gguf")
    assert text == "one two three"
    [_, row] = table(("TEXT",), [("one two three",)], width=10).splitlines()
    assert row == "one two t…"


def test_wide_characters_and_accents_do_not_move_the_columns() -> None:
    rows = [("日本語", "x"), ("e\u0301", "x"), ("plain", "x")]
    assert table(("NAME", "B"), rows).splitlines() == [
        "NAME    B",
        "日本語  x",
        "e\u0301       x",
        "plain   x",
    ]
    [_, row] = table(("NAME",), [("日本語のモデル",)], width=9).splitlines()
    assert row == "日本語の…"


@given(
    st.lists(st.tuples(*[st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=40)] * 4)),
    st.integers(4 * SHORTEST + 3 * len(GAP), 120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    shown = table(("A", "B", "C", "D"), rows, width=width, spare=("B",))
    assert max(map(len, shown.splitlines())) <= width
