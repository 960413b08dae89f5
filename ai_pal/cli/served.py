"""What a supervisor is asked once, from a command: one that is ending is waited for, and another does it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from ai_pal.errors import AiPalError, Code

if TYPE_CHECKING:
    from ai_pal.client import Client
    from ai_pal.config import Settings

T = TypeVar("T")

END_SECONDS = 10.0
"""How long a supervisor that is ending is waited for; running answers may hold it up for longer."""

ANOTHER = (Code.SUPERVISOR_LOST, Code.SHUTTING_DOWN)
"""It is gone, or takes nothing more: another can be asked."""

LOST = (*ANOTHER, Code.SUPERVISOR_UNREACHABLE)


def served(settings: "Settings", ask: Callable[["Client"], T], *, own: bool = False) -> T:
    """What `ask` gets of the supervisor, which is started if none runs, or is of our `own`. Raises
    `AiPalError`."""
    try:
        return _asked(settings, ask, own)
    except AiPalError as error:
        if error.code not in ANOTHER:
            raise
    return _asked(settings, ask, own)


def _asked(settings: "Settings", ask: Callable[["Client"], T], own: bool) -> T:
    with _client(settings, own) as client:
        try:
            return ask(client)
        except AiPalError as error:
            if error.code == Code.SHUTTING_DOWN:
                client.wait_gone(END_SECONDS)
            raise


def _client(settings: "Settings", own: bool) -> "AbstractContextManager[Client]":
    from ai_pal.cli.terminal.streams import remark
    from ai_pal.client.daemon import connect, hosted

    return hosted() if own else connect(settings, notify=remark)
