"""An Ollama over HTTP: how it is asked, and what it says (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec

from ai_pal.egress.providers.answers.events import Event, Events, Unreadable, objects
from ai_pal.egress.providers.answers.loose import name, part, text
from ai_pal.egress.providers.failures.taxonomy import parsed
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.http.traffic import BadResponse, charset, unseen
from ai_pal.network.trouble import Blocked

LOOK_SECONDS = 2.0
"""For a question that no answer depends on."""


class Shown(msgspec.Struct, frozen=True):
    """What it knows of a model. Those of its cloud name the host that computes them. `told` is all of it."""

    told: object = None

    @property
    def is_stored(self) -> bool:
        return bool(text(part(self.told, "details", "format")))

    @property
    def is_passed_on(self) -> bool:
        return bool(part(self.told, "remote_host") or part(self.told, "remote_model"))

    @property
    def where(self) -> str:
        return text(part(self.told, "remote_host")) or "its cloud"


class Refused(Exception):  # noqa: N818 (it never leaves the process)
    """An HTTP status other than 200."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__(response.status_code)
        self.status, self.headers, self.body = response.status_code, response.headers, body


class OllamaServer:
    """The one at this address."""

    def __init__(self, url: str, key: str, clients: Clients) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client: httpx2.AsyncClient = clients.client(httpx2, self._url)

    async def chat(self, body: dict[str, Any]) -> httpx2.Response:
        """An answer as it begins, for `events_of`. Raises `Refused`."""
        request = self._client.build_request(
            "POST", f"{self._url}/api/chat", json=body, headers=self._headers
        )
        response = await self._client.send(request, stream=True)
        try:
            await _check(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def load(self, body: dict[str, Any]) -> None:
        """Have the model loaded as it or the server would have it. Raises `Refused`."""
        async with self._client.stream(
            "POST",
            f"{self._url}/api/generate",
            json=body | {"stream": False},
            headers=self._headers,
            extensions={"trace": unseen},
        ) as response:
            await _check(response)
            await response.aread()

    async def models(self) -> list[str]:
        """The names of those that it has. Raises `Refused`, `Unreadable`."""
        async with self._client.stream("GET", f"{self._url}/api/tags", headers=self._headers) as response:
            await _check(response)
            body = await response.aread()
        told = parsed(body)
        if not isinstance(told, dict):
            raise Unreadable(body.decode(errors="replace"), begun=False)
        tags = told.get("models")
        named = [name(part(tag, "name")) for tag in tags] if isinstance(tags, list) else []
        return sorted(filter(None, named))

    async def asked(self, method: str, what: str, body: object = None) -> object:
        """Its answer to a question without a prompt; None where that makes no sense or takes long."""
        url, extensions = f"{self._url}/api/{what}", {"trace": unseen}
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                response = await self._client.request(
                    method, url, json=body, headers=self._headers, extensions=extensions
                )
        except (TimeoutError, httpx2.HTTPError, BadResponse, Blocked):
            return None
        return parsed(response.content) if response.status_code == 200 else None

    async def lives(self) -> bool:
        """Whether it says anything at all; it does while it loads a model, too."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._client.head(f"{self._url}/", headers=self._headers, extensions={"trace": unseen})
        except (TimeoutError, httpx2.HTTPError, BadResponse, Blocked):
            return False
        return True

    async def show(self, model: str, *, must_know: bool) -> Shown:
        """What it knows of a model, asked without a word of a prompt; what makes no sense says nothing.
        Raises `Refused` where it `must_know`."""
        url, extensions = f"{self._url}/api/show", {"trace": unseen}
        async with self._client.stream(
            "POST", url, json={"model": model}, headers=self._headers, extensions=extensions
        ) as response:
            body = await response.aread()
        if must_know and response.status_code != 200:
            raise Refused(response, body)
        return Shown(parsed(body))

    async def is_here(self) -> bool:
        """Whether its name means this machine and no other."""
        host = httpx2.URL(self._url).host
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return bool(found) and all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


async def _check(response: httpx2.Response) -> None:
    if response.status_code != 200:
        raise Refused(response, await response.aread())


async def events_of(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """The lines of an answer; one that ends without its last is done all the same."""
    events, last = Events(_shape, charset(response.headers)), {}
    async for data in response.aiter_bytes():
        for event in events.feed(data):
            yield (last := event.value)
    for event in events.close():
        yield (last := event.value)
    if events.ended and not part(last, "done"):
        yield {"done": True}


def _shape(event: Event) -> list[Event]:
    """Lines of an answer. Raises `Told`."""

    def says(value: dict[str, Any]) -> bool:
        return "done" in value or "done_reason" in value or isinstance(value.get("message"), dict)

    return [Event("", value) for value in objects(event, says)]
