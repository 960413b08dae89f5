"""Clients whose processes have ended: seen at once, whatever became of their connections."""

from collections.abc import Callable

from ai_pal.server.nodes.process_exit import Processes
from ai_pal.transport.peer import Peer


class ClientProcesses:
    """Watches the process of each client; `gone` hears of its end."""

    def __init__(self, gone: Callable[[bytes], None]) -> None:
        self._gone, self._processes = gone, Processes()
        self._watches = dict[bytes, Callable[[], None]]()

    def watch(self, client: bytes, peer: Peer | None) -> None:
        """From now on, where it is known which process that is."""
        if peer is not None and peer.pid and client not in self._watches:
            self._watches[client] = self._processes.watch(peer.pid, lambda: self._gone(client))

    def unwatch(self, client: bytes) -> None:
        """The client has left."""
        stop_watching = self._watches.pop(client, None)
        if stop_watching is not None:
            stop_watching()

    def close(self) -> None:
        """Watch nobody any more."""
        for stop_watching in self._watches.values():
            stop_watching()
