"""Tokens as llama.cpp counts them, asked over its HTTP server, which listens on a Unix socket only."""

import http.client
import json
import os
import socket
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ai_pal.protocol.content import Message

TIMEOUT = 30.0
REMEMBERED = 512


def hidden(path: Path) -> Path:
    """Take the socket out of its folder, where it would outlive a killed worker; the path that is
    returned still reaches it, from this process only. Where that is not possible it stays."""
    if not hasattr(os, "O_PATH"):
        return path
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)  # kept open: it is the only way to the socket
    path.unlink()
    return Path(f"/proc/self/fd/{handle}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


class TokenCounter:
    """The `Counter` of a context window. Thread-safe; raises `OSError` when the server does not answer."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self.content = lru_cache(maxsize=REMEMBERED)(self._tokens)
        question, answer = Message("user", "x"), Message("assistant", "x")
        one = self.conversation([question])
        self.fixed = one
        self.per_message = max(0, self.conversation([question, answer, question]) - one)

    def conversation(self, messages: Sequence[Message]) -> int:
        """Tokens of the conversation with the model's own template applied."""
        return self._tokens(self.render(messages))

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt as the model sees it."""
        plain = [{"role": one.role, "content": one.text} for one in messages]
        return str(self._ask("/apply-template", {"messages": plain})["prompt"])

    def _tokens(self, text: str) -> int:
        return len(self._ask("/tokenize", {"content": text, "parse_special": True})["tokens"])

    def _ask(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", route, json.dumps(body), self._headers)
            reply = connection.getresponse()
            content = reply.read()
            if reply.status != http.client.OK:
                raise OSError(f"{route} answered {reply.status}: {content[:200]!r}")
            answer: dict[str, Any] = json.loads(content)
            return answer
        finally:
            connection.close()
