"""What llama.cpp tells only over HTTP, on a Unix socket of its own: templates, counts, infill."""

import contextlib
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ai_pal.protocol.content import Audio, Image, Message

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
    def __init__(self, path: Path, timeout: float) -> None:
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
        self, route: str, body: dict[str, Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """The answer to a question. Raises `RefusedError` for what the server refuses."""
        with self._asked(route, body, timeout) as reply:
            content = reply.read()
            answer: dict[str, Any] = _decoded(content)
            if reply.status != http.client.OK:
                raise RefusedError(route, reply.status, answer.get("error", {}))
            return answer

    def stream(
        self,
        route: str,
        body: dict[str, Any],
        each: Callable[[dict[str, Any]], bool],
        *,
        timeout: float | None = None,
    ) -> None:
        """Tell `each` event of the answer, until it says that it has enough."""
        with self._asked(route, body, timeout) as reply:
            if reply.status != http.client.OK:
                raise RefusedError(route, reply.status, _decoded(reply.read()).get("error", {}))
            for line in reply:
                name, _, value = line.partition(b": ")
                if name in (b"data", b"error") and value.strip() != b"[DONE]" and each(_decoded(value)):
                    return

    @contextlib.contextmanager
    def _asked(
        self, route: str, body: dict[str, Any] | None, timeout: float | None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = _UnixConnection(self._path, TIMEOUT if timeout is None else timeout)
        try:
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


class TokenCounter:
    """Counts what the model would read, with its own template and tokenizer."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._behind = self._put_behind()
        self.content = lru_cache(maxsize=REMEMBERED)(self._tokens)
        question, answer = {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}
        one = self._tokens(self.render({"messages": [question]}))
        try:
            three = self._tokens(self.render({"messages": [question, answer, question]}))
        except RefusedError:  # a template for a single question
            three = 2 * one
        self.fixed = one
        self.per_message = max(0, three - one)

    def beyond_text(self, told: dict[str, Any]) -> int:
        """Tokens of an attachment in a message."""
        message = {"role": "user", "content": [told, {"type": "text", "text": "x"}]}
        return max(0, self.count({"messages": [message]}) - self.fixed)

    @property
    def ends_texts(self) -> bool:
        """Whether the tokenizer puts an end behind each text, which a prompt must not have: what is to be
        gone on with is given as tokens then."""
        return self._behind > 0

    def prompt(self, text: str) -> list[int]:
        """The tokens of a prompt, with what begins it."""
        tokens = self._encoded(text, add_special=True)
        return tokens[: len(tokens) - self._behind]

    def count(self, body: dict[str, Any]) -> int:
        """Tokens of the prompt of a chat completion with this body."""
        counted = int(self._asker.ask("/chat/completions/input_tokens", body)["input_tokens"])
        return counted - self._behind

    def render(self, body: dict[str, Any]) -> str:
        """The prompt as the model sees it."""
        return str(self._asker.ask("/apply-template", body)["prompt"])

    def _tokens(self, text: str) -> int:
        return len(self._encoded(text, add_special=False))

    def plain(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is a mark."""
        return self._encoded(text, add_special=False, marks=False)

    def _encoded(self, text: str, *, add_special: bool, marks: bool = True) -> list[int]:
        body = {"content": text, "add_special": add_special, "parse_special": marks}
        return list(self._asker.ask("/tokenize", body)["tokens"])

    def _put_behind(self) -> int:
        plain, whole = (self._encoded("x", add_special=special) for special in (False, True))
        ends = range(len(plain), len(whole))
        return next((len(whole) - end for end in ends if whole[end - len(plain) : end] == plain), 0)


class PromptCounter:
    """The `Counter` of one request: its tools and options are part of each prompt. `count` gives the tokens
    of what would be asked; `besides` are bytes of what comes with them, `attachment` counts one."""

    def __init__(
        self,
        counter: TokenCounter,
        count: Callable[[Sequence[Message]], int],
        besides: int,
        attachment: Callable[[Image | Audio], int],
    ) -> None:
        self._counter, self._count, self.attachment = counter, count, attachment
        self.fixed, self.per_message = counter.fixed + besides, counter.per_message

    def content(self, text: str) -> int:
        return self._counter.content(text)

    def conversation(self, messages: Sequence[Message]) -> int:
        return self._count(messages)
