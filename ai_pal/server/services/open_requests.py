"""What services have in common whose requests stay open while something works for them."""

from typing import Generic, Protocol, TypeVar

from ai_pal.errors import Failure


class Opened(Protocol):
    """One open request. It takes itself out of the service when it ends."""

    def call_off(self, reason: Failure | None) -> None:
        """End it: its client wants that, or is told the reason."""


O = TypeVar("O", bound=Opened)  # noqa: E741


class OpenRequests(Generic[O]):
    """The part of a `Service` that stops what is open. Time is that of whoever works for it, and so is the
    stop: it ends what it has, and refuses what comes."""

    def __init__(self) -> None:
        self._open: dict[tuple[bytes, int], O] = {}

    @property
    def busy(self) -> bool:
        return bool(self._open)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        opened = self._open.get((client, request_id))
        if opened is not None:
            opened.call_off(reason)
        return opened is not None

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        for (owner, _), opened in list(self._open.items()):
            if owner == client:
                opened.call_off(failure)

    def tick(self) -> None:
        return

    def shutdown(self, drain: float) -> None:
        return

    def _forget(self, client: bytes, request_id: int) -> None:
        """It has ended."""
        self._open.pop((client, request_id), None)
