"""A proxy between the egress process and a provider that does to an answer what networks and servers do."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx2
import msgspec

from ai_pal.protocol.provider import Api
from tests.servers.bad_events import EMPTY, ERROR, MALFORMED, PING, TYPES, answered
from tests.servers.loopback import Exchange, Loopback

Fault = Callable[["Api", Exchange, "Forward"], Awaitable[None]]

INSIDE = 6
"""Events that are let through first: some have no text, one at least has."""


class Forward:
    """The real server's answer, event by event."""

    def __init__(self, api: Api, target: str, exchange: Exchange) -> None:
        self._separator = b"\n" if api == "ollama" else b"\n\n"
        self._target, self._exchange = target, exchange

    async def head(self, client: httpx2.AsyncClient, response: httpx2.Response) -> None:
        if response.status_code != 200:
            await self._exchange.answer(response.status_code, await response.aread())
        else:
            await self._exchange.begin(response.headers["content-type"])

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Begin the answer, then give what it is made of; nothing where it is an error."""
        kept = {"authorization", "x-api-key", "content-type", "anthropic-version"}
        headers = {name: value for name, value in self._exchange.headers.items() if name in kept}
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=60) as client,
            client.stream(
                self._exchange.method,
                self._target + self._exchange.path,
                content=self._exchange.body,
                headers=headers,
            ) as response,
        ):
            await self.head(client, response)
            if response.status_code != 200:
                return
            rest = b""
            async for data in response.aiter_raw():
                *whole, rest = (rest + data).split(self._separator)
                for event in whole:
                    yield event + self._separator
            if rest:
                yield rest


class FaultProxy(Loopback):
    """Stands before the server at `target`; `fault` is what happens to the next requests."""

    def __init__(self, api: Api, target: str = "", *, shows: bool = False) -> None:
        super().__init__(self._do, shows=shows)
        self.fault: Fault = passed
        self._api, self._target = api, target

    async def _do(self, exchange: Exchange) -> None:
        await self.fault(self._api, exchange, Forward(self._api, self._target, exchange))


async def passed(api: Api, exchange: Exchange, forward: Forward) -> None:
    """Nothing happens to it."""
    begun = False
    async for event in forward.events():
        begun = True
        await exchange.piece(event)
    if begun:
        await exchange.end()


def status(code: int, body: object, headers: dict[str, str] | None = None) -> Fault:
    """This status instead of an answer."""

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        await exchange.answer(code, msgspec.json.encode(body), headers)

    return fault


def ok(body: bytes, headers: dict[str, str]) -> Fault:
    """HTTP 200 with this body."""

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        await exchange.answer(200, body, headers)

    return fault


async def stall_before(api: Api, exchange: Exchange, forward: Forward) -> None:
    """The request is taken, and then nothing."""
    await exchange.hang()


async def keep_alive_before(api: Api, exchange: Exchange, forward: Forward) -> None:
    """Signs of life without end, and no answer."""
    await exchange.begin(TYPES[api])
    await _ping(api, exchange)


async def reset_before(api: Api, exchange: Exchange, forward: Forward) -> None:
    exchange.reset()


async def flood(api: Api, exchange: Exchange, forward: Forward) -> None:
    """Bytes as fast as they are read, and no text in them."""
    await exchange.begin(TYPES[api])
    data = (b"x" * 1000 if api == "ollama" else b": %s\n\n" % (b"x" * 1000)) * 50
    while True:
        await exchange.piece(data)


async def empty(api: Api, exchange: Exchange, forward: Forward) -> None:
    """A proper end of nothing."""
    await _with(EMPTY, api, exchange)


async def error_at_once(api: Api, exchange: Exchange, forward: Forward) -> None:
    """HTTP 200, and an error as the first event."""
    await _with(ERROR, api, exchange)


def figure(said: object) -> Fault:
    """A whole answer, "yes", with this for every number of tokens."""

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        await exchange.begin(TYPES[api])
        await exchange.piece(answered(api, said))
        await exchange.end()

    return fault


async def _with(events: dict[Api, bytes], api: Api, exchange: Exchange) -> None:
    await exchange.begin(TYPES[api])
    await exchange.piece(events[api])
    await exchange.end()


async def _ping(api: Api, exchange: Exchange) -> None:
    while True:
        await exchange.piece(PING[api])
        await asyncio.sleep(0.02)


Then = Callable[["Api", Exchange], Awaitable[None]]


def inside(then: Then) -> Fault:
    """The beginning of the real answer, and then this."""

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        count = 0
        events = forward.events()
        async with contextlib.aclosing(events):
            async for event in events:
                await exchange.piece(event)
                count += 1
                if count == INSIDE:
                    break
        await then(api, exchange)

    return fault


async def hang(api: Api, exchange: Exchange) -> None:
    await exchange.hang()


async def ping(api: Api, exchange: Exchange) -> None:
    await _ping(api, exchange)


async def reset(api: Api, exchange: Exchange) -> None:
    exchange.reset()


async def truncate(api: Api, exchange: Exchange) -> None:
    """The body ends as if it were complete."""
    await exchange.end()


async def cut(api: Api, exchange: Exchange) -> None:
    """The connection ends without the last chunk."""


async def garble(api: Api, exchange: Exchange) -> None:
    """An event that cannot be read, and then more that can."""
    await exchange.piece(MALFORMED[api])
    await exchange.piece(EMPTY[api])
    await exchange.end()


async def fail(api: Api, exchange: Exchange) -> None:
    """An error as an event."""
    await exchange.piece(ERROR[api])
    await exchange.end()


def reflect(code: int) -> Fault:
    """This status, and in the body and the headers of the answer all that the request held."""

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        said = f"bad request: {exchange.headers} {exchange.body.decode()}"
        body = {"error": {"message": said, "type": said, "code": said}, "message": said}
        await exchange.answer_json(code, {"error": said} if api == "ollama" else body, {"x-said": said})

    return fault


async def reflect_inside(api: Api, exchange: Exchange, forward: Forward) -> None:
    """The same as an error event of a stream, and then an event that cannot be read."""
    await exchange.begin(TYPES[api])
    said = str(exchange.headers)
    await exchange.piece(ERROR[api].replace(b'"error": "', b'"error": "' + said.encode()[:200]))
    await exchange.piece(b"data: {" + said.encode() + b"\n\n")
