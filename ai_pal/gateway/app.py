"""The gateway as an ASGI application: the table of routes, and what stands before and behind each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route as Path

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway import answering
from ai_pal.gateway.admission import Policy, Refusal, refusal
from ai_pal.gateway.answering import LEFT, Outgoing
from ai_pal.gateway.asked import Wanted
from ai_pal.gateway.link import Link
from ai_pal.gateway.routes import ROUTES, Route
from ai_pal.gateway.statuses import retry_after, status_of
from ai_pal.logs import get_logger

MOST_BODY = 200 * 1024 * 1024
"""Bytes of a request."""

LONG = 16 * 1024
"""Bytes of a body from which on it is read in a thread, so that other streams go on."""

PDF = b"JVBERi"
"""How one begins in base64."""

READ_TIMEOUT = 60.0
"""Seconds between two pieces of a body."""

log = get_logger("ai_pal.gateway")

Scope = MutableMapping[str, Any]
App = Callable[[Scope, answering.Receive, answering.Send], Awaitable[None]]


def application(link: Link, policy: Policy, *, local_socket: bool = False) -> App:
    """All routes behind one look at who asks."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        link.close()

    paths: dict[str, list[Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, []).append(route)
    inner = Starlette(
        routes=[Path(path, Endpoint(routes, link), methods=None) for path, routes in paths.items()],
        lifespan=lifespan,
    )
    forms = {route.path for route in ROUTES if route.form}

    async def app(scope: Scope, receive: answering.Receive, send: answering.Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            form = scope["path"] in forms
            why = refusal(scope["method"], headers, policy, local_socket=local_socket, form=form)
            if why is not None:
                await _refuse(why, Outgoing(receive, send))
                return
        await inner(scope, receive, send)

    return app


async def _refuse(why: Refusal, out: Outgoing) -> None:
    body = msgspec.json.encode({"error": {"message": why.message, "type": "permission_error", "code": None}})
    await out.begin(why.status, _json_headers(body))
    await out.body(body)


class Endpoint:
    """One path: its methods by name."""

    def __init__(self, routes: list[Route], link: Link) -> None:
        self._routes = {route.method: route for route in routes}
        self._link = link
        if "GET" in self._routes:
            self._routes.setdefault("HEAD", self._routes["GET"])

    async def __call__(self, scope: Scope, receive: answering.Receive, send: answering.Send) -> None:
        out = Outgoing(receive, send)
        route = self._routes.get(scope["method"])
        if route is None:
            allowed = ", ".join(self._routes).encode()
            await out.begin(405, [(b"allow", allowed), (b"content-length", b"0")])
            await out.body(b"")
            return
        try:
            await self._carry_out(route, scope, receive, out)
        except AiPalError as error:
            if error is LEFT:
                return
            await _fail(route, error, out)
        except Exception as error:
            log.exception("request_failed", path=route.path)
            if out.begun:
                raise
            internal = Failure(
                Code.INTERNAL, f"the gateway failed ({type(error).__name__})", "its log tells more"
            )
            await _fail(route, AiPalError(internal), out)

    async def _carry_out(self, route: Route, scope: Scope, receive: answering.Receive, out: Outgoing) -> None:
        body = await _body(receive)
        if route.tells is not None:
            await _say(await route.tells(await self._link.client(), scope["path_params"]), scope, out)
            return
        assert route.asks is not None
        read = route.asks
        wanted = await asyncio.to_thread(read, body) if _takes_long(body) else read(body)
        client = await self._link.client()
        if isinstance(wanted, Wanted):
            await _say(await wanted.carry_out(client), scope, out)
        else:
            send = answering.stream if wanted.stream else answering.whole
            await send(wanted.begin(client), wanted.writer, out)


async def _say(data: bytes, scope: Scope, out: Outgoing) -> None:
    await out.begin(200, _json_headers(data))
    await out.body(b"" if scope["method"] == "HEAD" else data)


def _takes_long(body: bytes) -> bool:
    """Whether reading it would hold up other streams: a PDF, also a small one, is read by a process."""
    return len(body) > LONG or PDF in body


async def _body(receive: answering.Receive) -> bytes:
    """All of the request's body. Raises `AiPalError`: it is too large, or does not come."""
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                message = await receive()
        except TimeoutError:
            raise AiPalError(Failure(Code.BAD_REQUEST, "the body did not come in time")) from None
        if message["type"] == "http.disconnect":
            raise LEFT
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST_BODY:
            why = f"the body has more than {MOST_BODY // 1024**2} MiB"
            raise AiPalError(Failure(Code.FRAME_TOO_LARGE, why, "send less at once"))
        if not message.get("more_body", False):
            return b"".join(pieces) if len(pieces) > 1 else pieces[0]


async def _fail(route: Route, error: AiPalError, out: Outgoing) -> None:
    body = msgspec.json.encode(route.error(error))
    headers = _json_headers(body)
    if (seconds := retry_after(error.failure)) is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    await out.begin(status_of(error.failure), headers)
    await out.body(body)


def _json_headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
