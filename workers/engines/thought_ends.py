"""Tags of a thought's end that stand in an answer. Pure, for every engine.

A model whose thought was ended for it may go on as if it still thought, and write the tag itself once more:
that is no part of what it says.
"""


class ThoughtEnds:
    """One answer. `passing` is how many of the tags are let through first: those that end its thought."""

    def __init__(self, tag: str, passing: int = 0) -> None:
        self._tag, self._passing = tag, passing
        self._held = ""

    def push(self, text: str) -> str:
        """The text that is certain now, without tags."""
        said = ""
        before, tag, behind = (self._held + text).partition(self._tag)
        while tag:
            said += before + (tag if self._passing > 0 else "")
            self._passing -= 1
            before, tag, behind = behind.partition(self._tag)
        lengths = range(min(len(self._tag) - 1, len(before)), 0, -1)
        kept = next((length for length in lengths if before.endswith(self._tag[:length])), 0)
        self._held = before[len(before) - kept :]
        return said + before[: len(before) - kept]

    def end(self) -> str:
        """What was held back for nothing."""
        held, self._held = self._held, ""
        return held
