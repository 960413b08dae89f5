"""The marks around what models think, by families. Pure, for every engine."""

from collections.abc import Collection
from typing import NamedTuple


class Marks(NamedTuple):
    """Blanks around them belong to neither the thought nor the answer."""

    open: str
    close: str

    @property
    def ended(self) -> str:
        """What ends a thought for the model."""
        return f"\n{self.close}\n\n"


MARKS = (
    Marks("<think>", "</think>"),
    Marks("[THINK]", "[/THINK]"),
    Marks("<|channel>thought", "<channel|>"),
    Marks("<seed:think>", "</seed:think>"),
    Marks("<|START_THINKING|>", "<|END_THINKING|>"),
    Marks("<|inner_prefix|>", "<|inner_suffix|>"),
)
SWITCHES = ("enable_thinking", "thinking")
"""What templates call the variable that keeps a model from thinking."""


def marks_of(template: str, added: Collection[str] = ()) -> Marks | None:
    """How a model marks what it thinks, by its template and the tokens that were added for it."""
    found = (one for one in MARKS if one.open in template or one.close in template or one.close in added)
    return next(found, None)
