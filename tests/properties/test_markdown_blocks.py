"""Splitting Markdown while it is written gives the same blocks in whatever pieces it comes."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.conversations.blocks import BlockSplitter

LINES = st.sampled_from(
    ["# T", "para", "more *em*", "- a", "  b", "1. x", "2. y", "```py", "```", "    code", "", "> q", "---",
     "===", "|a|b|", "|-|-|", "<div>", "[x]: http://e", "\u2028", "2", "-", "~~~", "\tt"]
)  # fmt: skip
DOCUMENT = st.lists(LINES, max_size=25).map("\n".join)


def split(text: str, sizes: list[int]) -> tuple[list[str], str]:
    splitter, blocks = BlockSplitter(), []
    while text:
        size = sizes.pop() if sizes else len(text)
        blocks += splitter.feed(text[:size])
        text = text[size:]
    return blocks, splitter.rest


@given(DOCUMENT, st.lists(st.integers(1, 9)))
def test_nothing_is_lost_or_changed(text: str, sizes: list[int]) -> None:
    blocks, rest = split(text, sizes)
    assert "".join(blocks) + rest == text


@given(DOCUMENT, st.lists(st.integers(1, 9)))
def test_the_pieces_do_not_matter(text: str, sizes: list[int]) -> None:
    assert split(text, sizes) == split(text, [])
