"""What all our ZeroMQ sockets have in common. Apart from the channel, for it imports no asyncio."""

import zmq

HARD_FRAME_LIMIT = 64 * 1024 * 1024
"""libzmq drops a connection that sends more than this in one frame, before it is in memory."""

Blob = bytes | zmq.Frame
"""A frame: small ones are copied out of libzmq's memory, large ones stay there and are passed on so."""

HIGH_WATER = 1000
"""Messages that may wait in one direction of one connection."""


POLLIN = int(zmq.POLLIN)


def configure(socket: "zmq.Socket[bytes]") -> None:
    """The options that every socket of ours has."""
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = HIGH_WATER
    socket.maxmsgsize = HARD_FRAME_LIMIT


def readable(socket: "zmq.Socket[bytes]") -> bool:
    """Whether a message is there. Half the cost of `socket.EVENTS & zmq.POLLIN`: no enums on the hot path."""
    return bool(int(socket.get(zmq.EVENTS)) & POLLIN)


def view_of(blob: Blob) -> memoryview:
    """Its bytes, where they lie."""
    return memoryview(blob) if isinstance(blob, bytes) else blob.buffer
