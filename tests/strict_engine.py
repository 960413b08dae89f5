"""An engine for tests that does nothing by itself, and does not let its owner break the rules of the seam."""

import threading
from collections.abc import Sequence

from ai_pal.cluster.engine import Events
from ai_pal.errors import Code
from ai_pal.protocol.cluster import Node, Ticket


class StrictEngine:
    """Implements `Engine`. Tests say what happens: `admit`, `refuse`, `lose`, and `known` for the nodes."""

    name = "strict"

    def __init__(self, events: Events, known: Sequence[Node] = ()) -> None:
        self._events, self._thread = events, threading.get_ident()
        self.known = {node.name: node for node in known}
        self.started: dict[str, Ticket] = {}
        self.admitted: set[str] = set()
        self.ended: set[str] = set()
        self.stopped: list[str] = []
        self.closed = False

    def nodes(self) -> Sequence[Node]:
        self._called()
        return tuple(self.known[name] for name in sorted(self.known))

    def start(self, ticket: Ticket) -> None:
        self._called()
        if ticket.worker in self.started:
            raise ValueError(f"{ticket.worker} was started before")
        self.started[ticket.worker] = ticket
        node = self.known.get(ticket.node)
        if node is None or node.silent:
            self.refuse(ticket.worker, f"there is no node {ticket.node} that answers", Code.NO_NODE)

    def stop(self, worker: str) -> None:
        self._called()
        self.stopped.append(worker)
        if worker in self.started and worker not in self.ended:
            self.lose(worker, "stopped")

    def close(self) -> None:
        self._called()
        self.closed = True

    def admit(self, worker: str, key: str) -> None:
        """The agent has come to be."""
        self._open(worker)
        assert worker not in self.admitted, f"{worker} is admitted already"
        assert len(key) == 40, "a public key has 40 characters"
        self.admitted.add(worker)
        self._events.admitted(worker, key)

    def refuse(self, worker: str, reason: str, cause: Code | None = None) -> None:
        """It cannot be there."""
        self._open(worker)
        assert worker not in self.admitted, f"{worker} is admitted, and can be lost only"
        self.ended.add(worker)
        self._events.refused(worker, reason, cause)

    def lose(self, worker: str, reason: str) -> None:
        """The agent has ended, or its node has gone."""
        self._open(worker)
        self.ended.add(worker)
        self._events.lost(worker, reason)

    def _open(self, worker: str) -> None:
        assert worker in self.started, f"{worker} was never started"
        assert worker not in self.ended, f"{worker} has ended"

    def _called(self) -> None:
        assert threading.get_ident() == self._thread, "an engine is called from the thread that made it"
        assert not self.closed, "nothing is called after close"
