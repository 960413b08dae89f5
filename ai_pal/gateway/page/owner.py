"""Whether a connection on this machine is of the user whose server this is: loopback is open to all users."""

import os
import socket
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ROOT = 0

Place = tuple[str, int]


def is_owner(client: Place | None, server: Place | None, tables: tuple[Path, ...] = _TABLES) -> bool:
    """Whether the process at the other end is this user's, or root's. Where the system does not tell, and on
    a Unix socket, which lets nobody else in, it is."""
    if client is None or server is None or not _here(client[0]):
        return True
    uid = _uid(client, server, tables)
    return uid is None or uid in (os.getuid(), _ROOT)


def _here(host: str) -> bool:
    return host == "::1" or host.startswith(("127.", "::ffff:127."))


def _uid(client: Place, server: Place, tables: tuple[Path, ...]) -> int | None:
    """Of the socket that is bound to `client` and connected to `server`."""
    ends = [f":{client[1]:04X}", f":{server[1]:04X}"]
    for table in tables:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if (
                fields[1].endswith(ends[0])
                and fields[2].endswith(ends[1])
                and _address(fields[1]) == client[0]
            ):
                return int(fields[7])
    return None


def _address(field: str) -> str:
    """An address as the kernel writes it: words of four bytes, in the order of this machine."""
    words = field.partition(":")[0]
    raw = b"".join(int(words[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(words), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    return socket.inet_ntop(socket.AF_INET6, raw)
