"""Whether somebody listens on a socket file, asked of the kernel alone."""

import socket
import time
from pathlib import Path

LOOK_SECONDS = 0.02
"""Between two looks while somebody is waited for."""


def listens(path: Path) -> bool:
    """Whether somebody listens on this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except BlockingIOError:  # so many wait to be taken in that there is no place
            return True
        except OSError:
            return False
    return True


def await_listener(endpoint: str, timeout: float) -> None:
    """Wait until somebody listens there, `timeout` seconds at most: a socket of ours connects only once, and
    a run directory may be swept while a process starts."""
    path, deadline = Path(endpoint.removeprefix("ipc://")), time.monotonic() + timeout
    while not listens(path) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
