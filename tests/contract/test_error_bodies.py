"""The error bodies of real servers through the real adapters with their real SDKs: each comes out as what it
means, whichever protocol it was told in, and the provider saw the prompt once."""

import json

import pytest

from ai_pal.errors import Code
from ai_pal.protocol.provider import Api
from tests.contract.providers import APIS, scripted
from tests.egress_driver import EgressDriver
from tests.servers import faults
from tests.servers.bad_events import TYPES
from tests.servers.error_bodies import CASES, CODES, Case
from tests.servers.faults import Fault, FaultProxy, Forward
from tests.servers.loopback import Exchange


def _said(case: Case) -> Fault:
    """The case as its status with its body, or as an event of an answer that had begun."""
    data = case.body.encode()
    kind = {"content-type": "text/html" if data.startswith(b"<") else "application/json"}

    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        if case.status != 200:
            await exchange.answer(case.status, data, kind)
            return
        await exchange.begin(TYPES[api])
        event = {"openai": b"data: %s\n\n", "anthropic": b"event: error\ndata: %s\n\n"}.get(api, b"%s\n")
        await exchange.piece(event % data)
        await exchange.end()

    return fault


def _can_say(api: Api, case: Case) -> bool:
    if api not in case.apis:
        return False
    if case.status != 200:
        return True
    plain = isinstance(json.loads(case.body).get("error"), str)
    return {"openai": True, "anthropic": True, "ollama": plain, "cohere": False}[api]


@pytest.mark.parametrize("api", APIS)
def test_each_error_comes_out_as_what_it_means(egress: EgressDriver, api: Api) -> None:
    wrong, asked = [], 0
    with FaultProxy(api) as proxy:
        for case in CASES:
            if not _can_say(api, case):
                continue
            asked += 1
            proxy.fault = _said(case)
            failure = egress.ask(scripted(api, proxy.url).complete()).failed.failure
            right = (failure.code, failure.retryable) == (case.code, CODES[case.code].retryable)
            if not right or case.words not in failure.detail or failure.retry_after != case.retry_after:
                wrong.append((case.name, failure))
        mended = api != "ollama"  # the refused temperature is left out, and asked once more
        prompts = [method for method, _ in proxy.requests if method == "POST"]  # GET: which models it has
        assert len(prompts) == asked + mended
    assert not wrong
    assert asked >= 60


@pytest.mark.parametrize("api", APIS)
def test_an_error_as_a_whole_body_under_200_means_the_same(egress: EgressDriver, api: Api) -> None:
    wrong = []
    with FaultProxy(api) as proxy:
        for case in (case for case in CASES if case.status == 200):
            proxy.fault = faults.ok(case.body.encode(), {"content-type": "application/json"})
            failure = egress.ask(scripted(api, proxy.url).complete()).failed.failure
            if failure.code != case.code or case.words not in failure.detail:
                wrong.append((case.name, failure))
    assert not wrong


@pytest.mark.parametrize("code", ["ERROR", "ERROR_TOXIC", "TIMEOUT", "USER_CANCEL"])
def test_coheres_own_error_inside_an_answer(egress: EgressDriver, code: str) -> None:
    async def fault(api: Api, exchange: Exchange, forward: Forward) -> None:
        await exchange.begin(TYPES[api])
        delta = {"finish_reason": code, "error": "too many requests", "usage": {}}
        event = {"type": "message-end", "delta": delta}
        await exchange.piece(b"event: message-end\ndata: " + json.dumps(event).encode() + b"\n\n")
        await exchange.end()

    with FaultProxy("cohere") as proxy:
        proxy.fault = fault
        failure = egress.ask(scripted("cohere", proxy.url).complete()).failed.failure
    assert failure.code == Code.RATE_LIMITED
    assert failure.detail == "too many requests"


def test_a_key_that_was_cut_in_the_quotation_is_not_told(egress: EgressDriver) -> None:
    key = "llama-cpp-test-key"
    with FaultProxy("openai") as proxy:
        for before in range(175, 200):
            proxy.fault = faults.status(400, {"error": {"message": "x" * before + key + "y" * 50}})
            failure = egress.ask(scripted("openai", proxy.url).complete()).failed.failure
            assert key[:6] not in failure.detail, before
