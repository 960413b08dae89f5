"""From what went wrong with a connection to the one error taxonomy, for all providers."""

import os
import socket
from collections.abc import Iterator

from ai_pal.egress.providers.failures import failure
from ai_pal.egress.providers.http import BadResponse
from ai_pal.errors import Code, Failure


def of_transport(name: str, error: Exception, *, sent: bool) -> Failure:
    """What an error of the connection, or of what was read from it, means."""
    chain = list(_chain(error))
    ours = not any(_from_network(link) for link in chain)
    if sent:
        reason = _reason(chain) if not ours else "it sent what cannot be read"
        hint = f"ask again; if that does not help, check base_url of {name}"
        return failure(Code.STREAM_BROKEN, f"the answer from {name} broke off: {reason}", hint)
    if ours:
        return failure(Code.INTERNAL, f"asking {name} failed: {type(error).__name__}", "look at: ai-pal logs")
    return failure(
        Code.PROVIDER_UNREACHABLE,
        f"{name} could not be reached: {_reason(chain)}",
        "check that it runs, its base_url, and the network",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from _chain(error.exceptions[0])
        error = error.__cause__ or error.__context__


def _from_network(error: BaseException) -> bool:
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | BadResponse) or library in {"httpx", "httpx2", "httpcore", "httpcore2"}


def _reason(chain: list[BaseException]) -> str:
    """Why a connection failed, in the system's words."""
    for error in chain:
        if isinstance(error, BadResponse):
            return str(error)
    for error in chain:
        if isinstance(error, socket.gaierror):
            return "its name is not known"
        if isinstance(error, OSError) and error.errno:
            return os.strerror(error.errno).lower()
    closed = any(type(error).__name__ == "RemoteProtocolError" for error in chain)
    return "the connection was closed" if closed else "the connection failed"
