"""What all our ZeroMQ sockets have in common. Apart from the channel, for it imports no asyncio."""

from collections.abc import Sequence

import zmq

HARD_FRAME_LIMIT = 64 * 1024 * 1024
"""libzmq drops a connection that sends more than this in one frame, before it is in memory."""

Blob = bytes | zmq.Frame
"""A frame: small ones are copied out of libzmq's memory, large ones stay there and are passed on so."""

HIGH_WATER = 1000
"""Messages that may wait in one direction of one connection."""

POLLIN, AT_ONCE, MORE = int(zmq.POLLIN), int(zmq.DONTWAIT), int(zmq.DONTWAIT | zmq.SNDMORE)
"""As numbers: pyzmq's flags are enums, and to combine or make one takes longer than to send a frame. On that
`send_multipart`, `recv_multipart` and `EVENTS` spend most of their time."""


def configure(socket: "zmq.Socket[bytes]") -> None:
    """The options that every socket of ours has."""
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = HIGH_WATER
    socket.maxmsgsize = HARD_FRAME_LIMIT


def readable(socket: "zmq.Socket[bytes]") -> bool:
    """Whether a message is there."""
    return bool(zmq.zmq_poll([(socket, POLLIN)], 0))


def send_frames(socket: "zmq.Socket[bytes]", frames: Sequence[Blob]) -> None:
    """Hand a message to libzmq without waiting. Raises `zmq.Again`: it takes none now."""
    send = socket.send
    for frame in frames[:-1]:
        send(frame, MORE)
    send(frames[-1], AT_ONCE)


def receive_frames(socket: "zmq.Socket[bytes]") -> list[zmq.Frame]:
    """One message that is there already. Raises `zmq.Again`: there is none."""
    receive = socket.recv
    frames = [receive(AT_ONCE, False)]
    while frames[-1].more:
        frames.append(receive(AT_ONCE, False))
    return frames


def view_of(blob: Blob) -> memoryview:
    """Its bytes, where they lie."""
    return memoryview(blob) if isinstance(blob, bytes) else blob.buffer
