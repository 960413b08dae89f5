"""Who may come in at the CURVE sockets of a context: the handler that libzmq asks (ZAP, RFC 27)."""

import zmq
from zmq.utils import z85

from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import configure

ZAP = "inproc://zeromq.zap.01"
NAME = "User-Id"
"""The property of each received frame that holds the name of who sent it."""


class AllowList:
    """Ties public keys to names. Who is on it comes in, and what it sends bears its name; all others get
    nothing, and may try again: a key is known a moment before or after its owner connects."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._names: dict[str, str] = {}
        self.refused = 0
        self._socket = context.socket(zmq.REP)
        configure(self._socket)
        self._socket.bind(ZAP)
        self._reader = SocketReader(self._socket, self._asked)

    def add(self, key: str, name: str) -> None:
        """From now on the owner of this key (Z85) comes in under this name."""
        self._names[key] = name

    def remove(self, name: str) -> None:
        """From now on nobody comes in under this name; who is in stays connected."""
        self._names = {key: whose for key, whose in self._names.items() if whose != name}

    def close(self) -> None:
        self._reader.close()
        self._socket.close(0)

    def _asked(self) -> int:
        version, number, _, _, _, mechanism, *credentials = self._socket.recv_multipart(zmq.DONTWAIT)
        name = self._name_of(credentials[0]) if mechanism == b"CURVE" and credentials else None
        answer = [b"300", b"", b"", b""] if name is None else [b"200", b"", name.encode(), b""]
        self.refused += name is None
        self._socket.send_multipart([version, number, *answer])
        self._reader.look()
        return 0

    def _name_of(self, key: bytes) -> str | None:
        return self._names.get(z85.encode(key).decode()) if len(key) == 32 else None


def name_on(frame: zmq.Frame) -> str:
    """The name of who sent this frame, or "" where nobody vouches for one."""
    try:
        return str(frame.get(NAME))
    except zmq.ZMQError:
        return ""
