"""Tags of thoughts in answers."""

import pytest

from workers.engines.thought_ends import ThoughtEnds


@pytest.mark.parametrize(
    ("text", "passing", "said"),
    [
        ("a</think>b", 0, "ab"),
        ("a</think>b</think>c", 1, "a</think>bc"),
        ("a </thi b </", 0, "a </thi b </"),
        ("</thi</think>nk>", 0, "</think>"),
        ("no tag", 0, "no tag"),
    ],
)
def test_only_those_that_end_the_thought_are_let_through(text: str, passing: int, said: str) -> None:
    whole, cut = ThoughtEnds("</think>", passing), ThoughtEnds("</think>", passing)
    assert whole.push(text) + whole.end() == said
    assert "".join(map(cut.push, text)) + cut.end() == said
