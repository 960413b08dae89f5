"""The gateway as an ASGI application: the table of routes, and what stands before and behind each."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route as Path

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway import answering
from ai_pal.gateway.admission import ALLOWED_HEADERS, Policy, Refusal, refusal
from ai_pal.gateway.answering import LEFT, Outgoing
from ai_pal.gateway.asked import Followed, Wanted
from ai_pal.gateway.link import Link
from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.routes import Route, door_of, routes_with
from ai_pal.gateway.statuses import NotDoneError, retry_after, status_of_error
from ai_pal.gateway.wish_headers import asked_by
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
Headers = list[tuple[bytes, bytes]]


def application(link: Link, policy: Policy, *, local_socket: bool = False) -> App:
    """All routes behind one look at who asks."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        link.close()

    metrics = Metrics()
    table = routes_with(metrics)
    paths: dict[str, list[Route]] = {}
    for route in table:
        paths.setdefault(route.path, []).append(route)
    endpoints = [Path(path, Endpoint(routes, link, metrics), methods=None) for path, routes in paths.items()]
    inner = Starlette(routes=[*endpoints, Path("/{path:path}", Unknown(), methods=None)], lifespan=lifespan)
    inner.router.redirect_slashes = False
    forms = {route.path for route in table if route.form}

    async def app(scope: Scope, receive: answering.Receive, send: answering.Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        out = Outgoing(receive, send, _for_pages(headers.get("origin")))
        began = time.monotonic()
        try:
            await answered(scope, receive, send, headers, out)
        finally:
            seconds = time.monotonic() - began
            metrics.count(out.record, seconds)
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=out.record.status,
                seconds=round(seconds, 4),
            )

    async def answered(
        scope: Scope, receive: answering.Receive, send: answering.Send, headers: dict[str, str], out: Outgoing
    ) -> None:
        form = scope["path"] in forms
        why = refusal(scope["method"], headers, policy, local_socket=local_socket, form=form)
        if why is not None:
            out.always = ()  # who may not ask may not read either
            await _refuse(why, scope["path"], out)
        elif scope["method"] == "OPTIONS":
            await out.begin(204, [])
            await out.body(b"")
        else:
            scope["ai_pal.out"], scope["ai_pal.headers"] = out, headers
            await inner(scope, receive, send)

    return app


class Endpoint:
    """One path: its methods by name."""

    def __init__(self, routes: list[Route], link: Link, metrics: Metrics) -> None:
        self._routes = {route.method: route for route in routes}
        self._link, self._metrics = link, metrics
        if "GET" in self._routes:
            self._routes.setdefault("HEAD", self._routes["GET"])

    async def __call__(self, scope: Scope, receive: answering.Receive, send: answering.Send) -> None:
        out: Outgoing = scope["ai_pal.out"]
        route = self._routes.get(scope["method"])
        if route is None:
            await out.begin(405, [(b"allow", ", ".join(self._routes).encode()), (b"content-length", b"0")])
            await out.body(b"")
            return
        out.record.door = route.door
        try:
            await self._carry_out(route, scope, receive, out)
        except AiPalError as error:
            out.record.failed(error.code)
            if error is not LEFT:
                closed = error.code == Code.CLIENT_CLOSED
                await _fail(route, AiPalError(answering.STOPPING) if closed else error, out)
        except Exception as error:
            log.exception("request_failed", path=route.path)
            out.record.failed(Code.INTERNAL)
            if out.begun:
                raise
            why = f"the gateway failed ({type(error).__name__})"
            await _fail(route, AiPalError(Failure(Code.INTERNAL, why, "its log tells more")), out)

    async def _carry_out(self, route: Route, scope: Scope, receive: answering.Receive, out: Outgoing) -> None:
        if route.never:
            raise NotDoneError(route.never)
        said = asked_by(scope["ai_pal.headers"])
        body = await _body(receive)
        if route.tells is not None:
            client = None if route.alone else await self._link.client(start=route.starts)
            said_there = dict(parse_qsl(scope["query_string"].decode("latin-1"))) | scope["path_params"]
            data = await route.tells(client, said_there)  # type: ignore[arg-type]
            await out.begin(200, _headers(data, route.media_type))
            await out.body(b"" if scope["method"] == "HEAD" else data)
            return
        assert route.asks is not None
        read = route.asks
        wanted = await asyncio.to_thread(read, body) if _takes_long(body) else read(body)
        client = await self._link.client()
        if isinstance(wanted, Wanted):
            data = await answering.unless_left(wanted.carry_out(client), out)
            await out.begin(200, _headers(data, wanted.media_type))
            await out.body(data)
        elif isinstance(wanted, Followed):
            work = wanted.begin(client, said)
            if wanted.stream:
                with self._metrics.open_stream(route.door):
                    await answering.stream(work, wanted.writer, out)
            else:
                await answering.end(work, wanted.end, out)
        elif wanted.stream:
            out.record.per_prompt = wanted.per_prompt
            with self._metrics.open_stream(route.door):
                await answering.stream(wanted.begin(client, said), wanted.writer, out)
        else:
            await answering.whole(wanted.begin(client, said), wanted.writer, out)


class Unknown:
    """All other paths."""

    async def __call__(self, scope: Scope, receive: answering.Receive, send: answering.Send) -> None:
        await _refuse(Refusal(404, "there is no such path here"), scope["path"], scope["ai_pal.out"])


async def _refuse(why: Refusal, path: str, out: Outgoing) -> None:
    body = msgspec.json.encode(door_of(path)(AiPalError(Failure(why.code, why.message))))
    await out.begin(why.status, _headers(body))
    await out.body(body)


def _for_pages(origin: str | None) -> Headers:
    """What lets a page read the response; only pages that may ask come so far."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", b"GET, POST, DELETE, HEAD, OPTIONS"),
        (b"access-control-allow-headers", ", ".join(ALLOWED_HEADERS).encode()),
        (b"access-control-expose-headers", b"*"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"Origin"),
    ]


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
    headers = _headers(body)
    if (seconds := retry_after(error.failure)) is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    await out.begin(status_of_error(error), headers)
    await out.body(body)


def _headers(body: bytes, media_type: str = "application/json") -> Headers:
    return [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
