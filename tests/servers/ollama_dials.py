"""Which address a real `ollama` dials for each value of `OLLAMA_HOST`: BINARY, and a JSON list of values on
stdin. Runs in a network namespace of its own, where all ports are free and nothing gets out."""

import fcntl
import json
import os
import re
import selectors
import socket
import struct
import subprocess
import sys
from urllib.parse import urlsplit

ADDRESSES = ("127.0.0.1", "127.1.2.3", "::1")
PORTS = (80, 443, 11434, 11500, 65535)
PROXY = 9
SIOCSIFFLAGS, UP = 0x8914, 0x49

Door = tuple[str, int]


def main(binary: str) -> None:
    with socket.socket() as plain:
        fcntl.ioctl(plain, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP))
    doors = selectors.DefaultSelector()
    for host, port in [*((host, port) for host in ADDRESSES for port in PORTS), ("127.0.0.1", PROXY)]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.bind((host, port))
        listener.listen()
        doors.register(listener, selectors.EVENT_READ, (host, port))
    print(json.dumps({said: _dialled(binary, doors, said) for said in json.load(sys.stdin)}))


def _dialled(binary: str, doors: selectors.BaseSelector, said: str) -> str | None:
    """Directly, or where that leads nowhere through a proxy: loopback is never asked through one."""
    proxy = f"http://127.0.0.1:{PROXY}"
    for environment in ({}, {"http_proxy": proxy, "https_proxy": proxy}):
        met, words = _run(binary, doors, {"OLLAMA_HOST": said, **environment})
        shown = re.search(r'Error: Head "(\w+)://[^/]*(/[^"]*)"', words)
        if met is not None and shown is not None:
            (host, port), data = met
            if port == PROXY:
                target = data.split(b" ")[1].decode()
                try:
                    parts = urlsplit(target if "://" in target else f"//{target}")
                except ValueError:
                    return None  # a proxy is asked for what is no address
                host, port = parts.hostname or "", parts.port or 0
            elif host == "127.0.0.1" and "localhost" in said.lower():
                host = "localhost"
            name = f"[{host}]" if ":" in host else host
            return f"{shown[1]}://{name}:{port}{shown[2].rstrip('/')}"
    return None


def _run(
    binary: str, doors: selectors.BaseSelector, environment: dict[str, str]
) -> tuple[tuple[Door, bytes] | None, str]:
    """The first door it came to with what it said there, and its last words."""
    given = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH")} | environment
    met = None
    with subprocess.Popen(
        [binary, "list"], env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while process.poll() is None:
            for ready, _ in doors.select(0.05):
                assert isinstance(ready.fileobj, socket.socket)
                caller = ready.fileobj.accept()[0]
                caller.settimeout(10)
                with caller:
                    met = met or (ready.data, caller.recv(4096))
        assert process.stdout is not None
        return met, process.stdout.read()


if __name__ == "__main__":
    main(sys.argv[1])
