"""The worker endpoint: worker connections, from frames to messages and back.

Sans-IO like the client endpoint. A worker that sends what cannot be read has lost a message that somebody
waits for: it is replaced.
"""

from collections.abc import Callable, Sequence

import msgspec

from ai_pal.protocol import egress as outer
from ai_pal.protocol import worker as inner
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.ports import Observe
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from ai_pal.transport.sockets import Blob


class WorkerEndpoint:
    """Implements `supervisor.ports.Workers`, and takes the messages of processes that go out along."""

    supervisor: Supervisor
    outgoing: Sequence[EgressProcess] = ()

    def __init__(self, send_frames: Callable[[bytes, Sequence[Blob]], Sent], observe: Observe) -> None:
        self._send_frames, self._observe = send_frames, observe

    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        return self._send_frames(worker.encode(), [inner.encode(message), *blobs]) is Sent.OK

    def send_egress(self, identity: str, message: outer.ToEgress, blobs: Sequence[Blob] = ()) -> bool:
        return self._send_frames(identity.encode(), [outer.encode(message), *blobs]) is Sent.OK

    def received(self, identity: bytes, frames: Sequence[bytes], peer: Peer | None) -> None:
        """Take the frames of one message, if they come from the process that was started."""
        worker = identity.decode("ascii", "replace")
        for egress in self.outgoing:
            if egress.owns(worker, peer.pid if peer else 0):
                self._from_egress(egress, frames)
                return
        process = self.supervisor.pool.process_of(worker)
        if process is None or (peer and not process.owns(peer.pid)):
            self._observe("stranger_on_worker_socket", worker=worker)
            return
        for frame in frames:
            try:
                message = inner.decode_from_worker(frame)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                self._observe("malformed_worker_message", worker=worker, error=str(error))
                self.supervisor.worker_broken(worker, "the worker sent a message that cannot be read")
                return
            self.supervisor.worker_message(worker, message)

    def _from_egress(self, egress: EgressProcess, frames: Sequence[bytes]) -> None:
        for frame in frames:
            try:
                message = egress.decode(frame)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                self._observe("malformed_worker_message", worker=egress.identity, error=str(error))
                egress.broken("a process that goes out sent a message that cannot be read")
                return
            egress.message(message)
