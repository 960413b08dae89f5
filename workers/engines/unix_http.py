"""Questions over HTTP to a server of an engine, on a Unix socket that nobody else can reach."""

import contextlib
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TIMEOUT = 30.0


def hidden(path: Path) -> Path:
    """Take the socket out of its folder, where it would outlive a killed worker; the path that is
    returned still reaches it, from this process only. Where that is not possible it stays."""
    if not hasattr(os, "O_PATH"):
        return path
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)  # kept open: it is the only way to the socket
    path.unlink()
    return Path(f"/proc/self/fd/{handle}")


class UnixConnection(http.client.HTTPConnection):
    """A connection to the server at this socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Asker:
    """Asks the server over its socket. Thread-safe; raises `OSError` when it does not answer."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def ask(
        self, route: str, body: dict[str, Any] | None = None, *, timeout: float | None = TIMEOUT
    ) -> dict[str, Any]:
        """The answer to a question. Raises `RefusedError` for what the server refuses."""
        with self._asked(route, body, timeout) as reply:
            content = reply.read()
            answer: dict[str, Any] = _decoded(content)
            if reply.status != http.client.OK:
                raise RefusedError(route, reply.status, answer.get("error", {}))
            return answer

    def status(self, route: str) -> None:
        """Whether it answers there, whatever it says. Raises as `ask`."""
        with self._asked(route, None, TIMEOUT) as reply:
            if reply.status != http.client.OK:
                raise RefusedError(route, reply.status, {})

    def stream(
        self,
        route: str,
        body: dict[str, Any],
        each: Callable[[dict[str, Any]], bool],
        *,
        timeout: float | None = TIMEOUT,
        opened: Callable[[UnixConnection], None] = lambda connection: None,
    ) -> None:
        """Tell `each` event of the answer, until it says that it has enough. `opened` is given the connection
        before anything is asked: who closes it ends the answer."""
        with self._asked(route, body, timeout, opened) as reply:
            if reply.status != http.client.OK:
                raise RefusedError(route, reply.status, _decoded(reply.read()).get("error", {}))
            for line in reply:
                name, _, value = line.partition(b": ")
                if name in (b"data", b"error") and value.strip() != b"[DONE]" and each(_decoded(value)):
                    return

    @contextlib.contextmanager
    def _asked(
        self,
        route: str,
        body: dict[str, Any] | None,
        timeout: float | None,
        opened: Callable[[UnixConnection], None] = lambda connection: None,
    ) -> Iterator[http.client.HTTPResponse]:
        connection = UnixConnection(self._path, timeout)
        try:
            connection.connect()
            opened(connection)
            text = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", route, text, self._headers)
            yield connection.getresponse()
        finally:
            connection.close()


class RefusedError(OSError):
    """The server refused a question; `error` is its error object."""

    def __init__(self, route: str, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{route} answered {status}: {str(error.get('message', ''))[:300]}")
        self.status, self.error = status, error


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise OSError(f"the server said what is no JSON: {content[:200]!r}") from error
