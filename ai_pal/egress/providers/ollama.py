"""Ollama's own API: one JSON object per line (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
import msgspec

from ai_pal import privacy
from ai_pal.egress.providers import figures, ollama_window
from ai_pal.egress.providers.base import Event, Finish, Notice, Waiting
from ai_pal.egress.providers.clients import Clients
from ai_pal.egress.providers.failures import failure, of_event, of_status, parsed
from ai_pal.egress.providers.http import BadResponse, unseen
from ai_pal.egress.providers.learned import Learned
from ai_pal.egress.providers.lively import lively
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.messages.chat import Options
from ai_pal.messages.egress import OLLAMA_URL, Complete, Provider

LINE_LIMIT = 1024 * 1024

LOOK_SECONDS = 2.0
"""For a question that no answer depends on."""

EXTRAS = frozenset({"min_p", "num_ctx", "num_gpu", "num_thread", "repeat_last_n", "repeat_penalty", "top_k"})


class _Said(msgspec.Struct):
    content: str = ""


class _Line(msgspec.Struct):
    """A line of the answer; the last one is `done` and has the figures."""

    message: _Said = msgspec.field(default_factory=_Said)
    done: bool = False
    done_reason: str = ""
    error: str = ""
    model: str = ""
    prompt_eval_count: object = 0
    eval_count: object = 0


class _Details(msgspec.Struct):
    format: str = ""


class _Shown(msgspec.Struct):
    """What it knows of a model. Those of its cloud name the host that computes them. `told` is all of it."""

    details: _Details = msgspec.field(default_factory=_Details)
    remote_host: str = ""
    remote_model: str = ""
    told: object = None

    @property
    def is_passed_on(self) -> bool:
        return bool(self.remote_host or self.remote_model)


class _Tag(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Tag] = msgspec.field(default_factory=list)


class Refused(Exception):  # noqa: N818 (it never leaves the process)
    """An HTTP status other than 200."""

    def __init__(self, response: httpx2.Response, body: bytes) -> None:
        super().__init__(response.status_code)
        self.status, self.headers, self.body = response.status_code, response.headers, body


class Ollama:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._provider = provider
        self._url = (provider.base_url or OLLAMA_URL).rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client: httpx2.AsyncClient = clients.client(httpx2, self._url)

    def stream(self, request: Complete) -> AsyncGenerator[Event, None]:
        answer = self._answer(request)
        return lively(answer, self._lives) if request.patient else answer

    async def _answer(self, request: Complete) -> AsyncGenerator[Event, None]:
        shown = None
        if request.local_only:
            shown = await self._must_be_here(request.model)
        elif privacy.stays_here(self._provider, request.model):
            shown = await self._must_not_pass_on(request.model)
        known, needed = await self._windows(request, shown), ollama_window.needed(request)
        if known.will_show(needed):
            yield Waiting()
            await self._load(request)
            known = await self._windows(request, shown)
        options = _options(request.options)
        num_ctx = ollama_window.asked(needed, known)
        if num_ctx is not None and "num_ctx" not in options:
            options["num_ctx"] = num_ctx
        window = ollama_window.in_force(figures.tokens(options.get("num_ctx")), known)
        body = self._body(request) | {
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "stream": True,
            "options": options,
        }
        url = f"{self._url}/api/chat"
        async with self._client.stream("POST", url, json=body, headers=self._headers) as response:
            await _check(response)
            async for data in _lines(response):
                line = msgspec.json.decode(data, type=_Line)
                if line.error:
                    raise AiPalError(of_event(self._provider.name, request.model, {"message": line.error}))
                if line.message.content:
                    yield line.message.content
                if line.done:
                    reason = "length" if line.done_reason == "length" else "stop"
                    used = figures.usage(line.prompt_eval_count, 0, line.eval_count)
                    if ollama_window.was_cut(request.messages, used.prompt_tokens, window):
                        told = ollama_window.cut(self._provider.name, request.messages, used.prompt_tokens)
                        yield Notice("trimmed", told)
                    yield Finish(reason, used, line.model)

    async def models(self) -> list[str]:
        async with self._client.stream("GET", f"{self._url}/api/tags", headers=self._headers) as response:
            await _check(response)
            tags = msgspec.json.decode(await response.aread(), type=_Tags)
        return sorted(tag.name for tag in tags.models)

    def failure(self, error: Exception, model: str) -> Failure | None:
        if not isinstance(error, Refused):
            return None
        name = self._provider.name
        if error.status == 404 and parsed(error.body) is not None:
            return failure(Code.MODEL_NOT_HERE, f"{name} has not pulled {model}", f"ollama pull {model}")
        if error.status == 404:
            message = f"{name} is no Ollama (HTTP 404)"
            return failure(Code.PROVIDER_REFUSED, message, f"check base_url of {name}")
        return of_status(name, model, error.status, error.headers, error.body)

    def _body(self, request: Complete) -> dict[str, Any]:
        """What each request says that may load the model."""
        named: dict[str, Any] = {"model": request.model}
        return named if request.keep_alive is None else named | {"keep_alive": request.keep_alive}

    async def _windows(self, request: Complete, shown: object) -> ollama_window.Windows:
        """What is known of the model's windows. Who says `num_ctx` needs none of it, nor does its cloud."""
        said = "num_ctx" in request.options.extra
        if said or privacy.is_passed_on(request.model):
            return ollama_window.Windows()
        running = await self._asked("GET", "ps")
        if shown is None and running is not None:
            shown = await self._asked("POST", "show", {"model": request.model})
        return ollama_window.windows(request.model, shown, running)

    async def _asked(self, method: str, what: str, body: object = None) -> object:
        """Its answer to a question without a prompt; None where that makes no sense or takes long."""
        url, extensions = f"{self._url}/api/{what}", {"trace": unseen}
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                response = await self._client.request(
                    method, url, json=body, headers=self._headers, extensions=extensions
                )
        except (TimeoutError, httpx2.HTTPError, BadResponse):
            return None
        return parsed(response.content) if response.status_code == 200 else None

    async def _lives(self) -> bool:
        """Whether it says anything at all; it does while it loads a model, too."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._client.head(f"{self._url}/", headers=self._headers, extensions={"trace": unseen})
        except (TimeoutError, httpx2.HTTPError, BadResponse):
            return False
        return True

    async def _load(self, request: Complete) -> None:
        """Have the model loaded as it or the server would have it. Raises `Refused`."""
        async with self._client.stream(
            "POST",
            f"{self._url}/api/generate",
            json=self._body(request) | {"stream": False},
            headers=self._headers,
            extensions={"trace": unseen},
        ) as response:
            await _check(response)
            await response.aread()

    async def _must_be_here(self, model: str) -> object:
        """Nothing of a prompt is sent yet. Raises `AiPalError` (`local_only`)."""
        if not await _resolves_to_loopback(self._url):
            privacy.refuse(self._provider)
        shown = await self._show(model, must_know=True)
        if shown.is_passed_on or not shown.details.format:
            message = f"{self._provider.name} does not compute {model} on this machine"
            fail(Code.LOCAL_ONLY, f"{message}, and the request is local-only", "choose a model that is here")
        return shown.told

    async def _must_not_pass_on(self, model: str) -> object:
        """Nobody was told that the prompt leaves, so it must not. Raises `AiPalError` (`no_consent`)."""
        shown = await self._show(model, must_know=False)
        if shown.is_passed_on:
            name, there = self._provider.name, shown.remote_host or "its cloud"
            message = f"{name} passes what {model} is asked on to {there}, and its name does not say so"
            renamed = f"ollama cp {model} {model}-cloud"
            fail(Code.NO_CONSENT, message, f"agree: ai-pal consent {name}, and rename it: {renamed}")
        return shown.told

    async def _show(self, model: str, *, must_know: bool) -> _Shown:
        """What it knows of a model, asked without a word of a prompt; what makes no sense says nothing.
        Raises `Refused` where it `must_know`."""
        url, extensions = f"{self._url}/api/show", {"trace": unseen}
        async with self._client.stream(
            "POST", url, json={"model": model}, headers=self._headers, extensions=extensions
        ) as response:
            body = await response.aread()
        if must_know and response.status_code != 200:
            raise Refused(response, body)
        told = parsed(body)
        try:
            return msgspec.structs.replace(msgspec.convert(told, type=_Shown), told=told)
        except msgspec.ValidationError:
            return _Shown(told=told)


async def _check(response: httpx2.Response) -> None:
    if response.status_code != 200:
        raise Refused(response, await response.aread())


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    rest = b""
    async for data in response.aiter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > LINE_LIMIT:
            raise BadResponse(f"a line of over {LINE_LIMIT} bytes")
    if rest.strip():
        yield rest


async def _resolves_to_loopback(url: str) -> bool:
    host = httpx2.URL(url).host
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return bool(found) and all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


def _options(options: Options) -> dict[str, Any]:
    given = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "num_predict": options.max_tokens,
        "seed": options.seed,
        "stop": options.stop or None,
    }
    extra = {name: value for name, value in options.extra.items() if name in EXTRAS}
    return {name: value for name, value in given.items() if value is not None} | extra
