"""What networks and servers do to an answer, done to every adapter: each ends with one exact code, and
each provider sees exactly one HTTP request."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ai_pal.errors import PERMANENT, Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from ai_pal.protocol.usage import Usage
from tests.contract.providers import APIS, PATHS, Find, scripted
from tests.egress_driver import EgressDriver
from tests.process.eventually import allowed
from tests.servers import faults
from tests.servers.faults import Fault, FaultProxy, inside

TOO_LONG = {"error": {"code": "context_length_exceeded", "message": "maximum context length is 4 tokens"}}
ERROR = {"error": {"message": "something", "type": "some_error"}}
HTML = {"content-type": "text/html"}

BEFORE: dict[str, tuple[Fault, Code]] = {
    "400": (faults.status(400, ERROR), Code.PROVIDER_REFUSED),
    "400 too long": (faults.status(400, TOO_LONG), Code.PROMPT_TOO_LARGE),
    "401": (faults.status(401, ERROR), Code.AUTH_FAILED),
    "403": (faults.status(403, ERROR), Code.ACCESS_DENIED),
    "408": (faults.status(408, ERROR), Code.FIRST_TOKEN_TIMEOUT),
    "409": (faults.status(409, ERROR), Code.PROVIDER_REFUSED),
    "413": (faults.status(413, ERROR), Code.PROMPT_TOO_LARGE),
    "429": (faults.status(429, ERROR, {"retry-after": "7"}), Code.RATE_LIMITED),
    "500": (faults.status(500, ERROR), Code.PROVIDER_ERROR),
    "503": (faults.status(503, "no JSON"), Code.PROVIDER_ERROR),
    "529": (faults.status(529, ERROR), Code.PROVIDER_ERROR),
    "redirect": (faults.status(307, ERROR, {"location": "http://127.0.0.1:1/"}), Code.PROVIDER_REFUSED),
    "reset": (faults.reset_before, Code.STREAM_BROKEN),
    "200 then an error body": (faults.ok(b'{"error": "no"}\n', {}), Code.STREAM_BROKEN),
    "200 and a web page": (faults.ok(b"<html>Sign in</html>", HTML), Code.PROVIDER_REFUSED),
    "200 and nothing": (faults.ok(b"", {}), Code.EMPTY_ANSWER),
    "compressed": (faults.ok(b"\x1f\x8b", {"content-encoding": "gzip"}), Code.STREAM_BROKEN),
    "flood": (faults.flood, Code.STREAM_BROKEN),
    "empty": (faults.empty, Code.EMPTY_ANSWER),
}

IN_TIME: dict[str, tuple[Fault, Code]] = {
    "stall": (faults.stall_before, Code.FIRST_TOKEN_TIMEOUT),
    "endless keep-alive": (faults.keep_alive_before, Code.FIRST_TOKEN_TIMEOUT),
}

INSIDE: dict[str, tuple[Fault, Code]] = {
    "stall": (inside(faults.hang), Code.STREAM_STALLED),
    "endless keep-alive": (inside(faults.ping), Code.STREAM_STALLED),
    "reset": (inside(faults.reset), Code.STREAM_BROKEN),
    "truncated": (inside(faults.truncate), Code.STREAM_BROKEN),
    "cut": (inside(faults.cut), Code.STREAM_BROKEN),
    "malformed": (inside(faults.garble), Code.STREAM_BROKEN),
}

ERROR_EVENT: dict[Api, Code] = {
    "ollama": Code.STREAM_BROKEN,
    "openai": Code.PROVIDER_ERROR,
    "anthropic": Code.PROVIDER_ERROR,
    "cohere": Code.STREAM_BROKEN,
}


def _ask(egress: EgressDriver, proxy: FaultProxy, api: Api, **timeouts: Any) -> out.CompletionFailed:
    answer = egress.ask(scripted(api, proxy.url).complete(**timeouts))
    assert proxy.requests == [("POST", PATHS[api])]
    return answer.failed


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", BEFORE)
def test_before_the_answer(egress: EgressDriver, api: Api, name: str) -> None:
    fault, code = BEFORE[name]
    with FaultProxy(api) as proxy:
        proxy.fault = fault
        failure = _ask(egress, proxy, api).failure
    assert (failure.code, failure.retryable) == (code, code not in PERMANENT)
    assert failure.retry_after == (7.0 if name == "429" else None)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", IN_TIME)
def test_no_answer_in_time(egress: EgressDriver, api: Api, name: str) -> None:
    fault, code = IN_TIME[name]
    with FaultProxy(api) as proxy:
        proxy.fault = fault
        failure = _ask(egress, proxy, api, first_token=0.4).failure
        assert proxy.abandoned.acquire(timeout=60)
    assert (failure.code, failure.retryable) == (code, True)
    assert "0.4 s" in failure.message


@pytest.mark.real_model
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", INSIDE)
def test_inside_the_answer(egress: EgressDriver, find: Find, api: Api, name: str) -> None:
    fault, code = INSIDE[name]
    with FaultProxy(api, find(api).url) as proxy:
        proxy.fault = fault
        gap = allowed(0.5) if code == Code.STREAM_STALLED else 60.0
        answer = egress.ask(find(api).complete(url=proxy.url, gap=gap))
        assert proxy.requests == [("POST", PATHS[api])]
    assert answer.text, "what came before stays"
    assert (answer.failed.failure.code, answer.failed.failure.retryable) == (code, True)


@pytest.mark.real_model
@pytest.mark.parametrize("api", APIS)
def test_an_error_inside_the_answer_says_what_it_says(egress: EgressDriver, find: Find, api: Api) -> None:
    with FaultProxy(api, find(api).url) as proxy:
        proxy.fault = inside(faults.fail)
        answer = egress.ask(find(api).complete(url=proxy.url))
    assert answer.text
    assert (answer.failed.failure.code, answer.failed.failure.retryable) == (ERROR_EVENT[api], True)


@pytest.mark.parametrize("api", APIS)
def test_an_error_as_the_first_event(egress: EgressDriver, api: Api) -> None:
    with FaultProxy(api) as proxy:
        proxy.fault = faults.error_at_once
        failure = _ask(egress, proxy, api).failure
    assert (failure.code, failure.retryable) == (ERROR_EVENT[api], True)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("said", ["many", 7.5, -5, 10**12, 10**30, [], {}, None])
def test_a_figure_that_is_none_costs_the_figure_only(egress: EgressDriver, api: Api, said: object) -> None:
    with FaultProxy(api) as proxy:
        proxy.fault = faults.figure(said)
        answer = egress.ask(scripted(api, proxy.url).complete())
        assert answer.text == "yes"
        assert answer.done.usage == Usage()
        proxy.fault = faults.figure(7)
        assert egress.ask(scripted(api, proxy.url).complete()).done.usage == Usage(7, 0, 7)


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_what_is_not_there_is_no_model(egress: EgressDriver, api: Api) -> None:
    with FaultProxy(api) as proxy:
        proxy.fault = faults.status(404, ERROR)
        failure = egress.ask(scripted(api, proxy.url).complete()).failed.failure
        assert [method for method, _ in proxy.requests] == ["POST", "GET"]  # and then which it has
    assert (failure.code, failure.retryable) == (Code.MODEL_NOT_FOUND, False)


@pytest.mark.parametrize(
    ("body", "code"), [({"error": "no such model"}, Code.MODEL_NOT_HERE), ("404 page", Code.PROVIDER_REFUSED)]
)
def test_what_ollama_does_not_know_is_not_pulled(egress: EgressDriver, body: object, code: Code) -> None:
    with FaultProxy("ollama") as proxy:
        proxy.fault = faults.status(404, body)
        failure = _ask(egress, proxy, "ollama").failure
    assert (failure.code, failure.retryable) == (code, False)


@pytest.mark.parametrize("api", APIS)
def test_a_refused_connection(egress: EgressDriver, api: Api) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        failure = egress.ask(scripted(api, url).complete()).failed.failure
    assert (failure.code, failure.retryable) == (Code.PROVIDER_UNREACHABLE, True)
    assert failure.message == f"{api} could not be reached: connection refused"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("url", ["nonsense", "http://[::1", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_an_address_that_is_none(egress: EgressDriver, api: Api, url: str) -> None:
    failure = egress.ask(scripted(api, url).complete()).failed.failure
    assert (failure.code, failure.retryable) == (Code.PROVIDER_UNREACHABLE, True)


def test_a_name_that_nobody_has(egress: EgressDriver) -> None:
    failure = egress.ask(scripted("openai", "http://nobody.invalid").complete()).failed.failure
    assert (failure.code, failure.retryable) == (Code.PROVIDER_UNREACHABLE, True)


@pytest.mark.parametrize("api", APIS)
def test_a_connection_that_nobody_takes(egress: EgressDriver, api: Api) -> None:
    with full_backlog() as url:
        failure = egress.ask(scripted(api, url).complete(connect=0.4)).failed.failure
    assert (failure.code, failure.retryable) == (Code.CONNECT_TIMEOUT, True)


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """A server that accepts nothing, and has no place for one more."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
