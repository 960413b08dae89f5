"""Sockets that leave this machine: encrypted, both ends known by their keys (CurveZMQ, RFC 26)."""

import msgspec
import zmq

HANDSHAKE_MS = 5000
"""Until a connection that does not get on with its handshake is dropped."""

RETRY_MS = 50
"""Between two tries of a client to connect, and at most `RETRY_MOST_MS`."""
RETRY_MOST_MS = 500

DOMAIN = b"ai-pal"


class Keys(msgspec.Struct, frozen=True):
    """A pair of one end, as Z85 text. The secret one is never written down and leaves no process."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"Keys({self.public})"


def fresh_keys() -> Keys:
    """A new pair."""
    public, secret = zmq.curve_keypair()
    return Keys(public.decode(), secret.decode())


def as_client(socket: "zmq.Socket[bytes]", keys: Keys, server: str) -> None:
    """Before `connect`: to whoever has the public key `server` and nobody else."""
    socket.curve_serverkey = server.encode()
    socket.curve_publickey, socket.curve_secretkey = keys.public.encode(), keys.secret.encode()
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, RETRY_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RETRY_MOST_MS)


def as_server(socket: "zmq.Socket[bytes]", keys: Keys) -> None:
    """Before `bind`: who may come in, the context's `AllowList` says."""
    socket.curve_server = 1
    socket.curve_publickey, socket.curve_secretkey = keys.public.encode(), keys.secret.encode()
    socket.zap_domain = DOMAIN
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
