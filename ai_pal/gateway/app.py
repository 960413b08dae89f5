"""The gateway as an ASGI application: the table of routes, and what stands before and behind each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, cast

from starlette.routing import Route as Path
from starlette.routing import Router

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.gateway.access.admission import JSON, Policy
from ai_pal.gateway.access.callers import Caller, Callers
from ai_pal.gateway.access.rights import KeyedClient
from ai_pal.gateway.answering import sending
from ai_pal.gateway.answering.outgoing import Outgoing, headers_of
from ai_pal.gateway.answering.sending import failed_by
from ai_pal.gateway.asking.asked import Apart, Asked, Errand, Followed, Told, Watched
from ai_pal.gateway.asking.privacy_level import kept_to_level
from ai_pal.gateway.asking.starting import Starting
from ai_pal.gateway.entrance import App, Entrance, Gate, tell_failure
from ai_pal.gateway.link import Link
from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.owner import is_owner
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.reading import Reader
from ai_pal.gateway.route import Route
from ai_pal.gateway.routes import door_of, routes_with
from ai_pal.gateway.wire.asgi import LEFT, Receive, Scope, Send
from ai_pal.gateway.wire.limits import Limits
from ai_pal.gateway.wire.paths import query_of
from ai_pal.gateway.wire.request_body import RequestBodies, said_length
from ai_pal.gateway.wire.shapes import check_shape
from ai_pal.gateway.wire.statuses import NotDoneError, StatusError
from ai_pal.gateway.wire.wish_headers import asked_by
from ai_pal.logs import get_logger

log = get_logger("ai_pal.gateway")


def application(
    link: Link,
    policy: Policy,
    kept: Kept,
    page: Page,
    callers: Callers,
    limits: Limits,
    *,
    local_socket: bool = False,
) -> App:
    """All routes behind one look at who asks."""

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        staying = asyncio.create_task(link.stay())
        yield
        staying.cancel()
        await page.close()
        link.close()
        kept.close()

    metrics = Metrics(link.status)
    table = routes_with(metrics, kept, page)
    paths: dict[str, list[Route]] = {}
    for route in table:
        paths.setdefault(route.path, []).append(route)
    bodies, reader = RequestBodies(limits), Reader()
    endpoints = [
        Path(path, Endpoint(routes, link, metrics, bodies, reader), methods=None)
        for path, routes in paths.items()
    ]
    others = Path("/{path:path}", Unknown(), methods=None)
    inner = Router([*endpoints, others], redirect_slashes=False, lifespan=lifespan)
    gate = Gate(policy, callers, limits, table, local_socket=local_socket)
    return Entrance(inner, gate, metrics)


class Endpoint:
    """One path: its methods by name."""

    def __init__(
        self, routes: list[Route], link: Link, metrics: Metrics, bodies: RequestBodies, reader: Reader
    ) -> None:
        self._any, self._routes = routes[0], {route.method: route for route in routes}
        self._link, self._metrics, self._bodies, self._reader = link, metrics, bodies, reader
        if "GET" in self._routes:
            self._routes.setdefault("HEAD", self._routes["GET"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        out: Outgoing = scope["ai_pal.out"]
        route = self._routes.get(scope["method"])
        if route is None:
            allowed = ", ".join(self._routes)
            error = StatusError(405, Failure(Code.BAD_REQUEST, f"this path takes {allowed}"))
            await tell_failure(self._any.error, error, out, (b"allow", allowed.encode()))
            return
        out.record.door, told = route.door, route.told(scope["ai_pal.headers"])
        try:
            await self._carry_out(route, scope, receive, out)
        except AiPalError as error:
            out.record.failed(error.code)
            if error is not LEFT:
                closed = error.code == Code.CLIENT_CLOSED
                await tell_failure(told, AiPalError(sending.STOPPING) if closed else error, out)
        except Exception as error:
            log.exception("request_failed", path=route.path)
            out.record.failed(Code.INTERNAL)
            if out.begun and not (out.spaced or out.streamed):
                raise
            await tell_failure(told, AiPalError(failed_by(error)), out)

    async def _carry_out(self, route: Route, scope: Scope, receive: Receive, out: Outgoing) -> None:
        headers, caller = scope["ai_pal.headers"], scope["ai_pal.caller"]
        _check(route, scope)
        if route.takes is not None:
            pieces = self._bodies.pieces(receive)
            told = await route.takes(pieces, scope["path_params"], said_length(headers))
            await _send(told, route.media_type, out)
            return
        owner = (caller.name if caller else "",) if route.owned else ()
        said = asked_by(headers)
        wanted = await self._wanted(route, owner, receive, headers, out)
        if wanted is None:
            await self._tell(route, owner, said, scope, out)
        elif isinstance(wanted, Errand):

            async def done() -> bytes | Told:
                client = await self._client(caller, route)
                if wanted.reads is not None:
                    client = kept_to_level(client, {**said, "model": wanted.reads})
                return await wanted.carry_out(client)

            await _send(await sending.unless_left(done(), out), wanted.media_type, out)
        elif isinstance(wanted, Apart):
            data = wanted.begin(await sending.unless_left(self._client(caller, route), out), said)
            await out.whole(data, headers_of(data))
        elif isinstance(wanted, Followed) and not wanted.stream:
            client = await sending.unless_left(self._client(caller, route), out)
            await sending.end(wanted.begin(client, said), wanted.end, out)
        else:
            coming = await self._begun(wanted.begin, said, caller, route)
            if isinstance(wanted, Asked):
                out.record.per_prompt = wanted.per_prompt
                if not wanted.stream:
                    await sending.whole(coming, wanted.writer, out)
                    return
            with self._metrics.open_stream(route.door):
                await sending.stream(coming, wanted.writer, out)

    async def _begun(
        self, begin: Callable[[AsyncClient, Asking], Any], said: Asking, caller: Caller | None, route: Route
    ) -> Any:
        """What begins with a connection, which may take its time."""
        if route.alone or self._link.stands:
            return begin(await self._client(caller, route), said)

        async def opened() -> Any:
            return begin(await self._client(caller, route), said)

        return Starting(opened())

    async def _wanted(
        self,
        route: Route,
        owner: Sequence[str],
        receive: Receive,
        headers: dict[str, str],
        out: Outgoing,
    ) -> Asked | Followed | Errand | Apart | Watched | None:
        """What the body says, which is let go of here; None where a route has no use for one."""
        async with self._bodies.of(receive, headers) as body:
            if route.tells is not None:
                return None
            return await self._reader.read(partial(_read, route, body, owner), route, body, out)

    async def _tell(
        self, route: Route, owner: Sequence[str], said: Asking, scope: Scope, out: Outgoing
    ) -> None:
        """What has no body."""
        tells = route.tells
        assert tells is not None
        headers = scope["ai_pal.headers"]
        asked = query_of(scope["query_string"]) | scope["path_params"]
        asked |= {name: headers[name] for name in route.heeds if name in headers}

        async def told() -> bytes | Told | Watched:
            return await tells(await self._client(scope["ai_pal.caller"], route), asked, *owner)

        data = await (sending.unless_left(told(), out) if route.media_type == JSON else told())
        if isinstance(data, Watched):
            coming = await self._begun(data.begin, said, scope["ai_pal.caller"], route)
            with self._metrics.open_stream(route.door):
                await sending.stream(coming, data.writer, out)
            return
        await _send(data, route.media_type, out, bare=scope["method"] == "HEAD")

    async def _client(self, caller: Caller | None, route: Route) -> AsyncClient:
        """The supervisor, as far as this caller may use it; for what needs none, nobody."""
        if route.alone:
            return cast("AsyncClient", None)
        client = await self._link.client(start=route.starts)
        return client if caller is None else KeyedClient(client, caller)


async def _send(data: bytes | Told, media_type: str, out: Outgoing, *, bare: bool = False) -> None:
    """A body in one piece; `bare` is without it."""
    told = data if isinstance(data, Told) else Told(data, media_type)
    headers = [*headers_of(told.body, told.media_type), *told.headers]
    if bare:
        await out.begin(told.status, headers)
    await out.whole(b"" if bare else told.body, headers, told.status)


class Unknown:
    """All other paths."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = StatusError(404, Failure(Code.BAD_REQUEST, "there is no such path here"))
        await tell_failure(door_of(scope["path"], scope["ai_pal.headers"]), error, scope["ai_pal.out"])


def _check(route: Route, scope: Scope) -> None:
    """Raises `AiPalError`: it is not done, or not for who asks."""
    if route.never:
        raise NotDoneError(route.never)
    _check_rights(route, scope["ai_pal.caller"])
    if route.private and scope["ai_pal.caller"] is None:
        _check_owner(scope)


def _check_owner(scope: Scope) -> None:
    """Raises `AiPalError`: another user of this machine asks for what is kept of this one."""
    if not is_owner(scope.get("client"), scope.get("server")):
        hint = "make a key and sign in with it: ai-pal keys create NAME --manage"
        fail(Code.NOT_OWNER, "this is shown to the user whose server this is", hint)


def _check_rights(route: Route, caller: Caller | None) -> None:
    """Raises `AiPalError`: this is not for everybody who has a key."""
    if caller is None:
        return
    if route.private and (not caller.rights.manage or caller.rights.models):
        hint = "make one that may: ai-pal keys create NAME --manage"
        what = "this page shows what its owner keeps, and this key is not the owner's"
        fail(Code.ACCESS_DENIED, what, hint)
    if route.manages and not caller.rights.manage:
        hint = "make one that may: ai-pal keys create NAME --manage"
        fail(Code.ACCESS_DENIED, "this key may not change which models are here", hint)
    if route.of_all and caller.rights.models:
        what = "this tells of all models, and this key may ask only some"
        fail(Code.ACCESS_DENIED, what, "ask with another key")


def _read(route: Route, body: bytes, owner: Sequence[str]) -> Asked | Followed | Errand | Apart | Watched:
    """What is wanted. Raises `AiPalError`."""
    assert route.asks is not None
    check_shape(body)
    return route.asks(body, *owner)
