"""What stands between this machine and the hub: proxies and certificates, with the hub's own client in a
real egress process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol.wanted import HubFiles
from tests.egress_driver import egress_process
from tests.hub import repositories as repos
from tests.hub.loopback import Hub, loopback_hub
from tests.servers.certificates import Authority
from tests.servers.listening import Listening
from tests.servers.loopback import Exchange, Loopback
from tests.servers.proxies import HttpProxy, Proxy, SocksProxy

ELSEWHERE = "http://hub.test"
WANTED = HubFiles("org/tiny")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback_hub() as found:
        found.repos["org/tiny"] = repos.llama(300_000)
        yield found


def pull(cache: Path, **variables: str) -> out.Fetched | out.FetchFailed:
    """What becomes of a download in a process with these variables."""
    cache.mkdir(exist_ok=True)
    ends: list[out.Fetched | out.FetchFailed] = []

    def ended(message: out.FromEgress) -> bool:
        if isinstance(message, out.Fetched | out.FetchFailed):
            ends.append(message)
        return bool(ends)

    given = {"HF_HOME": str(cache / "hf")} | variables
    with egress_process(given) as egress:
        egress.send(out.Fetch(1, "org/tiny", str(cache), WANTED))
        egress.wait_for(ended, 50)
    return ends[0]


def failed(cache: Path, **variables: str) -> Failure:
    end = pull(cache, **variables)
    assert isinstance(end, out.FetchFailed), end
    assert (end.failure.code, end.failure.retryable) == (Code.OFFLINE, True)
    return end.failure


@pytest.mark.parametrize(
    "value",
    [
        "socks5://127.0.0.1:9",
        "socks5h://127.0.0.1:9",
        "socks://127.0.0.1:9/",
        "http://127.0.0.1:9",
        "nonsense://x",
    ],
)
def test_a_hub_on_this_machine_is_not_affected(hub: Hub, tmp_path: Path, value: str) -> None:
    proxies = {"ALL_PROXY": value, "HTTP_PROXY": value, "HTTPS_PROXY": value}
    end = pull(tmp_path / "models", HF_ENDPOINT=hub.endpoint, SSL_CERT_FILE="/not/there", **proxies)
    assert isinstance(end, out.Fetched), end


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_a_hub_is_reached_through_a_proxy(hub: Hub, tmp_path: Path, kind: type[Proxy]) -> None:
    with kind(int(hub.endpoint.rpartition(":")[2])) as proxy:
        scheme = "http" if kind is HttpProxy else "socks5h"
        end = pull(
            tmp_path / "models",
            HF_ENDPOINT=ELSEWHERE,
            ALL_PROXY=f"{scheme}://127.0.0.1:{proxy.port}",
            NO_PROXY="[::1],fe80::/10",
        )
    assert proxy.asked
    assert isinstance(end, out.Fetched), end


def test_a_proxy_that_refuses_is_named(tmp_path: Path) -> None:
    with HttpProxy(1) as proxy:
        proxy.status = 407
        for number, endpoint in enumerate(("https://hub.test", ELSEWHERE)):
            at = {"ALL_PROXY": f"http://somebody:secret@127.0.0.1:{proxy.port}", "HF_ENDPOINT": endpoint}
            failure = failed(tmp_path / str(number), **at)
            wants = f"the proxy 127.0.0.1:{proxy.port} (ALL_PROXY) wants another name and password (407"
            assert failure.message.startswith(f"the hub at {endpoint} cannot be reached: {wants}")
            assert "secret" not in repr(failure)
        assert len(proxy.asked) == 2, "it is not asked again and again"


def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Listening() as gone:
        pass
    for scheme in ("http", "socks5"):
        at = {"HTTPS_PROXY": f"{scheme}://127.0.0.1:{gone.port}", "HF_ENDPOINT": "https://hub.test"}
        message = failed(tmp_path / scheme, **at).message
        assert f"the proxy 127.0.0.1:{gone.port} (HTTPS_PROXY): connection refused" in message


def test_certificates_are_told_as_that(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def nothing(exchange: Exchange) -> None:
        await exchange.answer(404, b"")

    with Loopback(nothing, tls=authority.server("localhost")) as server:
        at = {"HF_ENDPOINT": f"https://localhost:{server.port}"}
        failure = failed(tmp_path / "a", **at)
        assert "the certificate of localhost is signed by somebody who is not trusted" in failure.message
        assert "SSL_CERT_FILE=" in failure.hint
        assert (
            "SSL_CERT_FILE names /not/there"
            in failed(tmp_path / "b", SSL_CERT_FILE="/not/there", **at).message
        )
        assert server.requests == []
        end = pull(tmp_path / "c", SSL_CERT_FILE=str(authority.root), **at)
        assert isinstance(end, out.FetchFailed)
        assert end.failure.code == Code.MODEL_NOT_FOUND, "the hub itself has said no"


def test_a_name_that_nobody_knows_is_named(tmp_path: Path) -> None:
    message = failed(tmp_path / "a", HF_ENDPOINT="https://hub.invalid").message
    assert "hub.invalid" in message
    assert "name" in message
