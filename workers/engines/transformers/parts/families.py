"""How families of models write what they think, in what the transformers engine makes of it."""

from collections.abc import Sequence

import msgspec

from workers.engines import channels
from workers.engines.thought_marks import marks_of


class Thinking(msgspec.Struct, frozen=True):
    """The marks around what a model thinks. `final` is how its answer begins where that is marked, too."""

    open: str
    close: str
    final: str = ""

    @property
    def ended(self) -> str:
        """What ends a thought for the model."""
        return self.close if self.final else f"\n{self.close}\n\n"


HARMONY_THINKING = Thinking(channels.ANALYSIS, channels.END, channels.FINAL)


def thinking_of(template: str, added: Sequence[str]) -> Thinking | None:
    """How the model marks what it thinks, by its template and the tokens that were added for it."""
    if channels.writes_channels(template):
        return HARMONY_THINKING
    marks = marks_of(template, added)
    return None if marks is None else Thinking(*marks)
