"""Open WebUI's requests, as its sources (0.12.4) send and read them: its connections to an Ollama and to a
server of OpenAI's protocol, with a key or without one."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2

from tests.gateway import plain_http

WHO = {
    "User-Agent": "Python/3.12 aiohttp/3.14.5",
    "X-OpenWebUI-User-Name": "Ann%20Example",
    "X-OpenWebUI-User-Id": "4f0c",
    "X-OpenWebUI-User-Email": "ann@example.org",
    "X-OpenWebUI-User-Role": "admin",
}
"""Sent along where its owner wants that; no header of ours."""


class OpenWebUI(NamedTuple):
    """One that is connected to this server; an empty key is none."""

    url: str
    key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", **WHO, **self._bearer()}

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def get(self, path: str) -> Any:
        """A list, or what is told at a path."""
        return read(plain_http.get(self.url + path, headers=self.headers))

    def send(self, path: str, body: Any, method: str = "POST") -> httpx2.Response:
        """The answer, whatever it is."""
        return plain_http.request(method, self.url + path, content=json.dumps(body), headers=self.headers)

    def ask(self, path: str, body: Any, method: str = "POST") -> Any:
        """What is answered in one piece."""
        return read(self.send(path, body, method))

    def lines(self, path: str, body: Any) -> list[Any]:
        """What an Ollama streams."""
        with self._stream(path, body) as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            return [json.loads(line) for line in answer.iter_lines()]

    def events(self, path: str, body: Any) -> list[Any]:
        """What a server of OpenAI's streams; comments and names of events are passed over."""
        with self._stream(path, body) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            return list(_data(answer.iter_lines()))

    def vectors(self, path: str, texts: list[str], **more: Any) -> Any:
        """Of documents; the header stands there without a key too, which httpx would not send."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        body = json.dumps({"input": texts, "model": "echo", **more})
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=plain_http.SECONDS)) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            assert answer.status == 200
            return json.loads(answer.read())

    def upload(self, data: bytes, sha256: str) -> None:
        """A file, in pieces whose length was said before."""
        sent = {"Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
        pieces = (data[at : at + 65536] for at in range(0, len(data), 65536))
        url = f"{self.url}/api/blobs/sha256:{sha256}"
        answer = plain_http.post(url, content=pieces, headers={**self.headers, **sent})
        assert answer.is_success, answer.text

    def _stream(self, path: str, body: Any) -> Any:
        return plain_http.stream("POST", self.url + path, content=json.dumps(body), headers=self.headers)


def read(answer: httpx2.Response) -> Any:
    """As aiohttp reads JSON: nothing else may be called so."""
    assert answer.is_success, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def _data(lines: Iterable[str]) -> Iterator[Any]:
    for line in lines:
        if line.startswith("data: "):
            said = line.removeprefix("data: ")
            yield said if said == "[DONE]" else json.loads(said)
