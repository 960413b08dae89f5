"""A key is in the request to its provider and nowhere else, whatever goes wrong."""

from collections.abc import Iterator

import psutil
import pytest

from ai_pal.errors import Code
from ai_pal.protocol.provider import Api
from tests.contract.providers import APIS, scripted
from tests.egress_driver import EgressDriver, egress_process
from tests.servers import faults
from tests.servers.faults import Fault, FaultProxy, Forward
from tests.servers.loopback import Exchange

KEYS = {api: f"sk-{api}-canary-7f3a9b21" for api in APIS}

FAULTS: list[Fault] = [
    *(faults.reflect(code) for code in (200, 307, 400, 401, 403, 404, 413, 429, 500, 529)),
    faults.reflect_inside,
    faults.error_at_once,
    faults.reset_before,
    faults.stall_before,
]


@pytest.fixture(scope="module")
def egress() -> Iterator[EgressDriver]:
    keys = {f"AI_PAL_KEY_{api.upper()}": key for api, key in KEYS.items()}
    with egress_process(keys, OPENAI_LOG="debug", ANTHROPIC_LOG="debug") as driver:
        yield driver


@pytest.mark.parametrize("api", APIS)
def test_no_failure_tells_the_key(egress: EgressDriver, api: Api) -> None:
    sent: list[str] = []
    with FaultProxy(api) as proxy:
        for fault in FAULTS:
            proxy.fault = _noting(sent, fault)
            complete = scripted(api, proxy.url).complete("prompt-canary", first_token=0.5)
            failure = egress.ask(complete).failed.failure
            assert KEYS[api] not in str(failure)
            assert len(failure.message) < 120
            assert "\n" not in failure.detail
            assert "prompt-canary" not in failure.message
    assert len(sent) == len(FAULTS)
    assert all(KEYS[api] in headers for headers in sent), "each provider gets its own key"
    others = [key for name, key in KEYS.items() if name != api]
    assert not any(key in headers for key in others for headers in sent)


def test_no_key_is_logged_or_sent_on(egress: EgressDriver) -> None:
    for key in KEYS.values():
        assert key not in egress.log()
        assert key.encode() not in b"".join(egress.heard)
        assert "prompt-canary" not in egress.log()
        assert key not in " ".join(psutil.Process(egress.process.pid).cmdline())


def test_what_cannot_be_a_key_is_sent_nowhere() -> None:
    keys = {"a": "sk-line\nbreak", "b": "sk-\u00fcmlaut", "c": "sk-\x1b[31m"}
    variables = {f"AI_PAL_KEY_{name.upper()}": key for name, key in keys.items()}
    with FaultProxy("openai") as proxy, egress_process(variables) as egress:
        for name, key in keys.items():
            complete = scripted("openai", "").complete(url=proxy.url, name=name)
            failure = egress.ask(complete).failed.failure
            assert failure.code == Code.NO_KEY, "nothing was sent"
            assert key not in str(failure)
        assert proxy.requests == []


def _noting(sent: list[str], fault: Fault) -> Fault:
    async def noting(api: Api, exchange: Exchange, forward: Forward) -> None:
        if exchange.method == "POST":  # who has no such model is also asked for those that there are
            sent.append(str(exchange.headers))
        await fault(api, exchange, forward)

    return noting
