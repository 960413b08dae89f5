"""Split Markdown that is still being written into finished top-level blocks and the rest. No I/O.

The text is neutral (see `ai_pal.conversations.neutral`): a line feed is the only thing that ends a line.
"""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it is imported where text is split: not by a gateway that starts
    from markdown_it import MarkdownIt


class BlockSplitter:
    """Feed it pieces of text; each top-level block comes out once, when the next one has begun.

    Only whole lines decide: the last, unfinished line may still join the block before it. A `parser` of
    one's own has the block rules by which the text is shown.
    """

    def __init__(self, parser: "MarkdownIt | None" = None) -> None:
        self.rest = ""
        self._parser = _blocks_only() if parser is None else parser

    def feed(self, text: str) -> list[str]:
        """Take more text and return the blocks that are finished now; `rest` holds what is not."""
        self.rest += text
        if "\n" not in text:
            return []
        whole = self.rest[: self.rest.rfind("\n") + 1]
        starts = [t.map[0] for t in self._parser.parse(whole) if t.level == 0 and t.map and t.nesting >= 0]
        if len(starts) < 2:
            return []
        lines = re.findall(r"[^\n]*\n|[^\n]+", self.rest)
        edges = [0, *starts[1:]]
        self.rest = "".join(lines[starts[-1] :])
        return ["".join(lines[a:b]) for a, b in pairwise(edges)]


def _blocks_only() -> "MarkdownIt":
    """Block structure is all that is asked for, and inline parsing is most of the work."""
    from markdown_it import MarkdownIt

    return MarkdownIt().disable(["inline", "html_block"]).enable("table")
