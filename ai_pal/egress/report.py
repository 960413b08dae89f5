"""Unexpected errors of this process, on stderr, where the supervisor keeps them."""

import sys
import traceback


def report(error: BaseException | None, what: str = "") -> None:
    """Where it happened and of which kind, not what it says: that may hold a prompt, an answer or a key."""
    lines = traceback.format_tb(error.__traceback__) if error is not None else []
    kind = f"{type(error).__module__}.{type(error).__qualname__}" if error is not None else ""
    sys.stderr.write("".join(lines) + f"{what} {kind}".strip() + "\n")
