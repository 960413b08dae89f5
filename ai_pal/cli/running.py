"""The supervisor that runs already, for commands that never start one."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ai_pal.errors import AiPalError, Code, Failure

if TYPE_CHECKING:
    from ai_pal.client import Client

NOT_RUNNING = "no supervisor is running"
AGAIN = 0.3
"""Seconds between two looks for one that is waited for."""

STARTED_BY = "`ai-pal chat` starts one in the background, `ai-pal supervise` in the foreground"


def running() -> "Client":
    """A client of this user's supervisor. Raises `AiPalError` (`supervisor_unreachable`)."""
    from ai_pal.client import Client
    from ai_pal.client.daemon import endpoint

    try:
        return Client(endpoint())
    except AiPalError as error:
        if error.code == Code.SUPERVISOR_UNREACHABLE:
            raise AiPalError(Failure(Code.SUPERVISOR_UNREACHABLE, NOT_RUNNING, STARTED_BY)) from error
        raise


def once_running(tell: Callable[[str], None], leaves: Callable[[], bool]) -> "Client | None":
    """The same as soon as one runs; `tell` hears that it is waited for. None where the user leaves before."""
    told = False
    while not leaves():
        try:
            return running()
        except AiPalError as error:
            if error.code != Code.SUPERVISOR_UNREACHABLE:
                raise
        if not told:
            tell(f"{NOT_RUNNING}: waiting for one")
            told = True
        time.sleep(AGAIN)
    return None


@contextlib.contextmanager
def if_running() -> Iterator["Client | None"]:
    """The same, and None where none runs: then nothing is loaded, which is an answer and no failure."""
    try:
        client = running()
    except AiPalError as error:
        if error.code != Code.SUPERVISOR_UNREACHABLE:
            raise
        yield None
        return
    with client:
        yield client
