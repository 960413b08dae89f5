"""The window that a load gets, by the engines' own rule."""

import msgspec

from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT


class Window(msgspec.Struct, frozen=True):
    """Tokens of one conversation, and those that the model was trained for (0: its files do not say)."""

    tokens: int
    trained: int


def window(asked: int, trained: int) -> Window:
    """`asked` 0 leaves it to the engine."""
    most = trained or LARGEST_DEFAULT_CONTEXT
    return Window(min(asked or LARGEST_DEFAULT_CONTEXT, most), trained)
