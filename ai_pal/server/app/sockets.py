"""The supervisor's two sockets: where clients connect, and where its own processes do."""

from collections.abc import Callable

import zmq

from ai_pal.transport.channel import Receive, RouterChannel
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.run_files import FRONT, WORKERS

CLIENT_SEND_LIMIT = 16
"""Messages that may wait in the socket for one client; behind them the client endpoint counts bytes."""

WORKER_RECEIVE_LIMIT = 16
"""Messages that may wait from each worker: what does not fit waits merged in the worker."""

FLUSH_TIMEOUT = 0.2
"""Seconds that the last events get to leave the process."""


class Sockets:
    """`front` and `workers`, in the run directory that the supervisor holds. `flush` sends what waits for
    clients."""

    def __init__(
        self,
        run_directory: RunDirectory,
        from_client: Receive,
        from_worker: Receive,
        flush: Callable[[], None],
    ) -> None:
        self._run_directory = run_directory
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.front = RouterChannel(self._context, from_client, CLIENT_SEND_LIMIT, before=flush)
        self.workers = RouterChannel(
            self._context, from_worker, receive_limit=WORKER_RECEIVE_LIMIT, after=self.front.reader.turn
        )
        for name in (WORKERS, FRONT):
            self.listen_again(name)

    def request_flush(self) -> None:
        """Something waits for a client: it goes out with the end of this turn, or in the next one."""
        if not self.workers.reader.in_turn:
            self.front.reader.look()

    def listen_again(self, name: str) -> None:
        """Make a socket of the run directory, also in the place of one that was swept; connections that there
        are stay. Raises `AiPalError`, OSError: it cannot be had."""
        channel = self.front if name == FRONT else self.workers
        channel.listen(self._run_directory.endpoint(name), self._run_directory.listen(name))

    def close(self) -> None:
        """Read nothing more."""
        self.front.close(linger=FLUSH_TIMEOUT)
        self.workers.close()

    def wait(self) -> None:
        """Until what was sent has left, or had its time. Blocks."""
        self._context.term()
