"""A client of another machine's supervisor, for one command."""

import contextlib
from collections.abc import Iterator

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.machines.link import Link
from ai_pal.protocol.provider import Machine

GREET_SECONDS = 10.0
"""For the supervisor there to answer at the other end of an open link."""


@contextlib.contextmanager
def reached(name: str, machine: Machine) -> Iterator[Client]:
    """A client of the supervisor of that machine, which is started if none runs. Raises `AiPalError`; what a
    broken link makes fail within says why it broke."""
    link = Link(name, machine)
    link.open()
    try:
        with Client(link.endpoint, timeout=GREET_SECONDS) as client:
            yield client
    except AiPalError as error:
        if link.over:
            raise AiPalError(link.failure) from error
        raise
    finally:
        link.close()
