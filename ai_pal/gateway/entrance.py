"""What stands before every route: who asks, and whether that is too much at a time; and a line in the log."""

import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.access.admission import (
    ALLOWED_HEADERS,
    Policy,
    Refusal,
    for_programs,
    from_elsewhere,
    refusal,
    wants_page,
)
from ai_pal.gateway.access.callers import Caller, Callers
from ai_pal.gateway.access.open_requests import OpenRequests
from ai_pal.gateway.answering.outgoing import Outgoing, headers_of
from ai_pal.gateway.metrics import SHARED, Metrics
from ai_pal.gateway.page.routes import SHELL
from ai_pal.gateway.reading import as_event
from ai_pal.gateway.route import Route
from ai_pal.gateway.routes import door_of
from ai_pal.gateway.wire.asgi import Receive, Scope, Send
from ai_pal.gateway.wire.limits import Limits
from ai_pal.gateway.wire.paths import meant
from ai_pal.gateway.wire.statuses import NotDoneError, StatusError, retry_after, status_of_error
from ai_pal.logs import get_logger

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_MORE: dict[int, Headers] = {
    401: [(b"www-authenticate", b"Bearer")],
    429: [(b"retry-after", b"1")],
    503: [(b"retry-after", b"5")],
}
"""What else belongs to a refusal."""

FILES = "/page/files/"
"""Nobody's secret."""

log = get_logger("ai_pal.gateway")


class Gate:
    """Decides who comes in; counts the open requests of each key, at all processes of this port."""

    def __init__(
        self, policy: Policy, callers: Callers, limits: Limits, table: Sequence[Route], *, local_socket: bool
    ) -> None:
        self._policy, self._callers, self._most = policy, callers, limits.per_key
        self._local_socket = local_socket
        forms = {route.path.partition("{")[0] for route in table if route.form}
        self._forms, self._forms_below = forms, tuple(one for one in forms if one.endswith("/"))
        self._anybodys = {route.path for route in table if route.anybody}
        self._page = [route.path.partition("{")[0] for route in table if route.of_page]
        self._open = OpenRequests(os.environ.get(SHARED, ""))

    def lets_in(self, method: str, path: str, headers: dict[str, str]) -> Caller | Refusal | None:
        """Who asks, or why that is refused; None is nobody in particular."""
        form = path in self._forms or path.startswith(self._forms_below)
        why = refusal(method, headers, self._policy, local_socket=self._local_socket, form=form)
        if why is not None:
            return why
        own = path.startswith(tuple(self._page))
        if own and (from_elsewhere(headers) or for_programs(headers, self._policy)):
            return Refusal(403, "this is for the server's own page only", Code.ACCESS_DENIED)
        if method == "OPTIONS" or self._is_anybodys(path):  # pages ask the one without their key
            return None
        caller = self._callers.of(headers, cookie=own)
        if isinstance(caller, Caller) and self._open.of(caller.name) >= self._most:
            return Refusal(429, f"{caller.name} has {self._most} open requests", Code.RATE_LIMITED)
        return caller

    def _is_anybodys(self, path: str) -> bool:
        return path in self._anybodys or path.startswith(FILES)

    def begins(self, caller: Caller) -> None:
        """A request of theirs is open."""
        self._open.begins(caller.name)

    def ends(self, caller: Caller) -> None:
        """It no longer is."""
        self._open.ends(caller.name)


class Entrance:
    """`inner` behind the gate."""

    def __init__(self, inner: App, gate: Gate, metrics: Metrics) -> None:
        self._inner, self._gate, self._metrics = inner, gate, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope["path"] = meant(scope["path"])
        if scope["path"] == "/" and wants_page(scope["method"], headers):
            scope["path"] = SHELL
        out = Outgoing(receive, send, _for_pages(headers.get("origin")), f"req_{secrets.token_hex(12)}")
        began = time.monotonic()
        try:
            await self._take(scope, receive, send, headers, out)
        finally:
            seconds = time.monotonic() - began
            self._metrics.count(out.record, seconds)
            what = {"method": scope["method"], "path": scope["path"], "status": out.record.status}
            whose = {"key": out.record.key} if out.record.key else {}
            log.info("request", **what, seconds=round(seconds, 4), **whose)

    async def _take(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], out: Outgoing
    ) -> None:
        caller = self._gate.lets_in(scope["method"], scope["path"], headers)
        if isinstance(caller, Refusal):
            if caller.status == 403:
                out.always = out.named  # a page that may not ask may not read either
            await refuse(caller, door_of(scope["path"], headers), out)
        elif scope["method"] == "OPTIONS":
            await out.begin(204, [])
            await out.body(b"")
        else:
            scope["ai_pal.out"], scope["ai_pal.headers"], scope["ai_pal.caller"] = out, headers, caller
            if caller is None:
                await self._inner(scope, receive, send)
                return
            out.record.key = caller.name
            self._gate.begins(caller)
            try:
                await self._inner(scope, receive, send)
            finally:
                self._gate.ends(caller)


async def refuse(why: Refusal, told: Callable[[AiPalError], Any], out: Outgoing) -> None:
    """Answer with the reason, as `told` puts it."""
    out.record.failed(why.code)
    error = StatusError(why.status, Failure(why.code, why.message))
    await tell_failure(told, error, out, *_MORE.get(why.status, ()))


async def tell_failure(
    told: Callable[[AiPalError], Any], error: AiPalError, out: Outgoing, *more: tuple[bytes, bytes]
) -> None:
    """Answer with what went wrong, as `told` puts it."""
    said = _with_id(told(error), out.request_id)
    if out.streamed:
        await out.body(as_event(said, out.streamed))
        return
    body = msgspec.json.encode(said)
    headers = [*headers_of(body), *more]
    if (seconds := retry_after(error.failure)) is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    if error.code == Code.OVER_BUDGET or isinstance(error, NotDoneError):
        headers.append((b"x-should-retry", b"false"))  # the SDKs' word: the same would come of it
    await out.whole(body, headers, status_of_error(error))


def _with_id(told: dict[str, Any], request_id: str) -> dict[str, Any]:
    """Anthropic's errors name their request."""
    return {**told, "request_id": request_id} if told.get("type") == "error" else told


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
