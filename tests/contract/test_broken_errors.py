"""An error's status counts, whatever becomes of its body: through the real adapters with their real SDKs."""

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from tests.contract.providers import APIS, scripted
from tests.egress_driver import EgressDriver
from tests.servers.loopback import Exchange, Loopback

HUGE = 6 * 1024 * 1024
CUT, CHUNKED = {"content-length": "200"}, {"transfer-encoding": "chunked"}

BODIES: dict[str, tuple[int, dict[str, str], bytes, str, Code]] = {
    "cut": (401, CUT, b'{"error": {"message": "no', "end", Code.AUTH_FAILED),
    "cut in chunks": (401, CHUNKED, b"5\r\nhello\r\n", "end", Code.AUTH_FAILED),
    "no chunks": (402, CHUNKED, b"zz\r\n", "end", Code.NO_CREDIT),
    "reset": (402, CUT, b"{", "reset", Code.NO_CREDIT),
    "hangs": (401, CUT, b"{", "hang", Code.AUTH_FAILED),
    "hangs at once": (500, CHUNKED, b"", "hang", Code.PROVIDER_ERROR),
    "brotli": (
        401,
        CHUNKED | {"content-encoding": "br"},
        b"2\r\n\x0b\x02\r\n0\r\n\r\n",
        "end",
        Code.AUTH_FAILED,
    ),
    "bad gzip": (
        402,
        {"content-encoding": "gzip", "content-length": "4"},
        b"\x1f\x8bzz",
        "end",
        Code.NO_CREDIT,
    ),
    "huge": (403, {"content-length": str(HUGE)}, b"x" * HUGE, "end", Code.ACCESS_DENIED),
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("broken", BODIES)
def test_the_status_of_an_error_counts_though_its_body_is_broken(
    egress: EgressDriver, api: Api, broken: str
) -> None:
    status, headers, body, then, code = BODIES[broken]

    async def handle(exchange: Exchange) -> None:
        await exchange.begun(status, headers, body)
        if then == "hang":
            await exchange.hang()
        if then == "reset":
            exchange.reset()

    with Loopback(handle) as server:
        failure = egress.ask(scripted(api, server.url).complete()).failed.failure
    assert failure.code == code, failure
    assert failure.message.endswith(f"(HTTP {status})")


@pytest.mark.parametrize("api", APIS)
def test_half_a_character_in_a_models_name_costs_no_answer(egress: EgressDriver, api: Api) -> None:
    name, parts = '"m\\ud83d"', '[{"type": "text", "text": "hi"}]'
    choices = '[{"delta": {"content": "hi"}, "finish_reason": "stop"}]'
    said = {
        "ollama": f'{{"model": {name}, "message": {{"content": "hi"}}, "done": true}}\n',
        "openai": f'data: {{"model": {name}, "choices": {choices}}}\n\n',
        "anthropic": f'data: {{"type": "message", "model": {name}, "content": {parts}}}\n\n',
        "cohere": f'data: {{"model": {name}, "message": {{"content": "hi"}}, "finish_reason": "COMPLETE"}}\n',
    }[api]
    listed = f'{{"models": [{{"name": {name}}}, {{"name": "b"}}], "data": [{{"id": {name}}}, {{"id": "b"}}]}}'

    async def handle(exchange: Exchange) -> None:
        await exchange.answer(200, (said if exchange.body else listed).encode())

    with Loopback(handle) as server:
        here = scripted(api, server.url)
        assert egress.ask(here.complete()).text == "hi"
        listing = egress.ask(out.ListModels(0, here.provider())).end
    assert isinstance(listing, out.ProviderModels), listing
    assert listing.names == ["b", "m?"]


@pytest.mark.parametrize("reason", ["complete", "stop", "end_turn", "LENGTH", "SOMETHING_NEW"])
def test_coheres_reasons_that_are_no_errors_cost_no_answer(egress: EgressDriver, reason: str) -> None:
    async def handle(exchange: Exchange) -> None:
        said = {"message": {"content": "hi"}, "finish_reason": reason, "usage": USED}
        await exchange.answer_json(200, said)

    with Loopback(handle) as server:
        done = egress.ask(scripted("cohere", server.url).complete()).done
    assert done.finish_reason == ("length" if reason == "LENGTH" else "stop")
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (11, 7), (
        "what is billed where no tokens are told"
    )


USED = {"tokens": {"input_tokens": None}, "billed_units": {"input_tokens": 11, "output_tokens": 7}}


@pytest.mark.parametrize("api", APIS)
def test_what_is_understood_of_nothing_is_quoted(egress: EgressDriver, api: Api) -> None:
    """A server of another protocol, or one that says that it has said all."""
    body = b'data: {"reply": "canard", "done": true, "type": "message", "message": {}}\n\ndata: [DONE]\n\n'

    async def handle(exchange: Exchange) -> None:
        await exchange.answer(200, body)

    with Loopback(handle) as server:
        assert "canard" in egress.ask(scripted(api, server.url).complete()).failed.failure.detail


def test_a_redirect_says_where_to(egress: EgressDriver) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.answer(308, b"", {"location": "https://gw.example/v2/"})

    with Loopback(handle) as server:
        failure = egress.ask(scripted("openai", server.url).complete()).failed.failure
    assert failure.code == Code.PROVIDER_REFUSED
    assert failure.detail == "https://gw.example/v2/"


def test_a_404_that_is_not_ollamas_is_no_model_to_pull(egress: EgressDriver) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.answer_json(404, {"detail": "Not Found"})

    with Loopback(handle) as server:
        failure = egress.ask(scripted("ollama", server.url).complete()).failed.failure
    assert failure.message == "ollama is no Ollama (HTTP 404)"
