"""What an operation is to the client endpoint: a service that starts requests, and ends each of them."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.ports import Clients
from ai_pal.transport.sockets import Blob

R = TypeVar("R", bound=wire.Request)


def called_off(request_id: int, reason: Failure | None) -> wire.Event:
    """How a request ends that is stopped: by its client, or for a reason that this one hears."""
    return wire.Cancelled(request_id) if reason is None else wire.Failed(request_id, [reason])


class Service(Protocol):
    """Carries out requests of one kind, or of several. Every method returns at once. The endpoint has seen to
    it that the id of a request is free, and counts it as open until one of `wire.ENDING` is sent with it."""

    @property
    def busy(self) -> bool:
        """Whether there is something for which the supervisor stays: an open request, a loaded model. What is
        open at a service that is never busy keeps nobody."""

    def start(self, client: bytes, request: Any, blobs: Sequence[Blob] = ()) -> None:
        """Take a request, with the frames that its parts refer to. It ends with exactly one event, perhaps
        before this returns; the frames are let go of by then."""

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """End a request with `cancelled`, or where somebody else wants it as failed or interrupted with this
        `reason`. False: there is none with this id here, or no more."""

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left: stop what it asked for. With a `failure` it is still there, and is told."""

    def tick(self) -> None:
        """Let everything happen whose time has come, and ask the clock for the next tick."""

    def shutdown(self, drain: float) -> None:
        """Take nothing new, let what runs go on for `drain` seconds and end it then. The shortest time that
        was said counts."""


class AtOnce(Generic[R]):
    """An operation that is answered while it is asked: nothing of it stays open."""

    busy = False

    def __init__(self, clients: Clients, answer: Callable[[R], wire.Event]) -> None:
        self._clients, self._answer = clients, answer

    def start(self, client: bytes, request: R, blobs: Sequence[Blob] = ()) -> None:
        self._clients.send(client, self._answer(request))

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        return False

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """Nothing is open."""

    def tick(self) -> None:
        """Nothing waits."""

    def shutdown(self, drain: float) -> None:
        """It is answered to the last."""
