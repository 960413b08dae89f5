"""Proxies between the egress process and every provider, through the real SDKs: what has left, what is told,
and which variable led there. The names that are asked for exist nowhere: only the proxy leads to them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from tests.contract.conftest import KEYS
from tests.contract.providers import APIS, say_yes, scripted
from tests.egress_driver import Answer, EgressDriver, egress_process
from tests.servers.certificates import Authority
from tests.servers.loopback import Loopback
from tests.servers.proxies import NAME, PASSWORD, HttpProxy, SocksProxy

HOST = "api.example.test"
LARGE = "a word of a large prompt " * 400_000
"""More than the buffers between two sockets hold."""


class World(msgspec.Struct):
    """A proxy, the server behind it, and an egress process whose variables name the proxy."""

    proxy: HttpProxy | SocksProxy
    egress: EgressDriver
    secure: bool = True

    def ask(self, api: Api, prompt: str = "Hello", **timeouts: Any) -> Answer:
        url = f"{'https' if self.secure else 'http'}://{HOST}"
        return self.egress.ask(scripted(api, url).complete(prompt, **timeouts))

    def refused(self, api: Api, prompt: str = "Hello", **timeouts: Any) -> Failure:
        """Why nothing came, where not a byte of the prompt has left."""
        answer = self.ask(api, prompt, **timeouts)
        assert not answer.connected
        assert not answer.sent
        return answer.failed.failure


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Loopback]:
    with Loopback(say_yes, tls=authority.server(HOST)) as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[Loopback]:
    with Loopback(say_yes) as server:
        yield server


@contextlib.contextmanager
def world(
    proxy: HttpProxy | SocksProxy, root: Path, *, secure: bool = True, **variables: str
) -> Iterator[World]:
    with egress_process(KEYS | {"SSL_CERT_FILE": str(root)} | variables) as egress:
        yield World(proxy, egress, secure)


@pytest.fixture(scope="module")
def through_http(secure: Loopback, authority: Authority) -> Iterator[World]:
    with HttpProxy(secure.port) as proxy:
        at = f"http://{NAME}:{PASSWORD}@127.0.0.1:{proxy.port}"
        # What Docker and the clients of private networks set, and what one of the HTTP libraries cannot read.
        direct = "localhost,[::1],::1/128,fe80::/10,10.0.0.0/8"
        with world(proxy, authority.root, https_proxy=at, NO_PROXY=direct) as found:
            yield found


@pytest.fixture
def tunnel(through_http: World) -> World:
    return _fresh(through_http)


@pytest.fixture(scope="module")
def through_socks(secure: Loopback, authority: Authority) -> Iterator[World]:
    with SocksProxy(secure.port) as proxy:
        at = f"socks://{NAME}:{PASSWORD}@127.0.0.1:{proxy.port}"
        with world(proxy, authority.root, ALL_PROXY=at) as found:
            yield found


@pytest.fixture
def socks(through_socks: World) -> World:
    return _fresh(through_socks)


@pytest.fixture(scope="module")
def through_plain(plain: Loopback, authority: Authority) -> Iterator[World]:
    with HttpProxy(plain.port) as proxy:
        at = f"127.0.0.1:{proxy.port}"
        with world(proxy, authority.root, secure=False, HTTP_PROXY=at) as found:
            yield found


@pytest.fixture
def passed_on(through_plain: World) -> World:
    return _fresh(through_plain)


def _fresh(found: World) -> World:
    proxy = found.proxy
    proxy.asked, proxy.heard, proxy.most, proxy.stalls = [], b"", None, False
    if isinstance(proxy, HttpProxy):
        proxy.status, proxy.headers, proxy.silent = None, "", False
        proxy.wants_password = found.secure
    else:
        proxy.reply, proxy.garbles, proxy.wants_password = 0, False, True
    return found


def told(failure: Failure, code: Code, *words: str) -> None:
    assert (failure.code, failure.retryable) == (code, True)
    for word in words:
        assert word in f"{failure.message}; {failure.hint}"
    assert PASSWORD not in f"{failure}"


# -- A tunnel through an HTTP proxy ---------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_a_provider_is_reached_through_a_tunnel(tunnel: World, api: Api) -> None:
    answer = tunnel.ask(api)
    assert (answer.text, answer.connected, answer.sent) == ("yes", True, True)
    assert set(tunnel.proxy.asked) == {f"{HOST}:443"}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (407, "wants another name and password (407 Proxy Authentication Required)"),
        (403, f"does not let {HOST} through (403 Forbidden)"),
        (502, f"could not reach {HOST} (502 Bad Gateway)"),
        (299 + 300, f"could not reach {HOST} (HTTP 599)"),
        (302, f"does not let {HOST} through (302 Found)"),
    ],
)
def test_a_proxy_that_refuses_a_tunnel_costs_nothing(
    tunnel: World, api: Api, status: int, words: str
) -> None:
    proxy = tunnel.proxy
    assert isinstance(proxy, HttpProxy)
    proxy.status = status
    at = f"the proxy 127.0.0.1:{proxy.port} (https_proxy)"
    told(tunnel.refused(api), Code.PROVIDER_UNREACHABLE, f"{api} could not be reached: {at} {words}")
    assert proxy.heard == b""


@pytest.mark.parametrize("api", APIS)
def test_a_list_that_a_proxy_refuses_names_it_too(tunnel: World, api: Api) -> None:
    assert isinstance(tunnel.proxy, HttpProxy)
    tunnel.proxy.status = 407
    provider = scripted(api, f"https://{HOST}").provider()
    failure = tunnel.egress.ask(out.ListModels(0, provider, 5.0)).failed.failure
    told(failure, Code.PROVIDER_UNREACHABLE, "(https_proxy)")


@pytest.mark.parametrize("api", APIS)
def test_a_proxy_that_says_nothing_took_no_connection(tunnel: World, api: Api) -> None:
    assert isinstance(tunnel.proxy, HttpProxy)
    tunnel.proxy.silent = True
    failure = tunnel.refused(api, connect=0.4)
    told(failure, Code.CONNECT_TIMEOUT, "within 0.4 s, by way of the proxy 127.0.0.1:", "(https_proxy)")


@pytest.mark.parametrize("api", APIS)
def test_a_tunnel_that_breaks_before_the_prompt_has_cost_nothing(tunnel: World, api: Api) -> None:
    tunnel.proxy.most = 100  # within the TLS handshake
    failure = tunnel.refused(api)
    told(failure, Code.PROVIDER_UNREACHABLE, "(https_proxy)")


@pytest.mark.parametrize("api", APIS)
def test_a_prompt_that_was_sent_in_part_has_left(tunnel: World, api: Api) -> None:
    tunnel.proxy.most = 1_000_000
    answer = tunnel.ask(api, LARGE)
    assert (answer.connected, answer.sent) == (True, False)
    told(
        answer.failed.failure, Code.STREAM_BROKEN, f"sending the prompt to {api} broke off: ", "(https_proxy)"
    )


@pytest.mark.parametrize("api", APIS)
def test_a_prompt_that_is_taken_in_part_only_is_no_connection_that_nobody_took(
    tunnel: World, api: Api
) -> None:
    tunnel.proxy.most, tunnel.proxy.stalls = 1_000_000, True
    answer = tunnel.ask(api, LARGE, first_token=1.0)
    assert (answer.connected, answer.sent) == (True, False)
    told(answer.failed.failure, Code.FIRST_TOKEN_TIMEOUT, f"{api} took only a part of the prompt within 1 s")


@pytest.mark.parametrize("api", APIS)
def test_a_certificate_behind_a_proxy_is_told_as_that(
    tunnel: World, tmp_path: Path, secure: Loopback, api: Api
) -> None:
    with Loopback(say_yes, tls=Authority(tmp_path, "Somebody else").server(HOST)) as other:
        tunnel.proxy.target = other.port
        try:
            failure = tunnel.refused(api)
        finally:
            tunnel.proxy.target = secure.port
        assert other.requests == []
    words = (
        f"the certificate of {HOST} is signed by somebody who is not trusted, by way of the proxy 127.0.0.1:"
    )
    told(failure, Code.PROVIDER_UNREACHABLE, words, "(https_proxy)", "SSL_CERT_FILE")


def test_a_proxy_that_speaks_tls(authority: Authority, secure: Loopback) -> None:
    with HttpProxy(secure.port, tls=authority.server("127.0.0.1")) as proxy:
        at = f"https://127.0.0.1:{proxy.port}"
        with world(proxy, authority.root, HTTPS_PROXY=at) as found:
            assert [found.ask(api).text for api in APIS] == ["yes"] * len(APIS)
    with HttpProxy(secure.port, tls=authority.server("elsewhere.test")) as proxy:
        at = f"https://127.0.0.1:{proxy.port}"
        with world(proxy, authority.root, HTTPS_PROXY=at) as found:
            for api in APIS:
                whose = f"the certificate of the proxy 127.0.0.1:{proxy.port} (HTTPS_PROXY)"
                words = f"{whose} is made out to another"
                told(found.refused(api), Code.PROVIDER_UNREACHABLE, words)


def test_a_proxy_that_is_not_there(authority: Authority, secure: Loopback) -> None:
    with HttpProxy(secure.port) as proxy:
        pass
    with world(proxy, authority.root, HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}") as found:
        for api in APIS:
            words = f"the proxy 127.0.0.1:{proxy.port} (HTTPS_PROXY): connection refused"
            told(found.refused(api), Code.PROVIDER_UNREACHABLE, words, "check HTTPS_PROXY", "NO_PROXY")


def test_a_variable_that_names_no_proxy(authority: Authority) -> None:
    with world(HttpProxy(0), authority.root, HTTPS_PROXY="http://127.0.0.1:port") as found:
        for api in APIS:
            words = f"{api} could not be reached: HTTPS_PROXY holds no address of a proxy"
            told(found.refused(api), Code.PROVIDER_UNREACHABLE, words)


# -- A proxy that gets the request itself -----------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_a_plain_request_goes_by_way_of_the_proxy(passed_on: World, api: Api) -> None:
    answer = passed_on.ask(api)
    assert (answer.text, answer.connected, answer.sent) == ("yes", True, True)
    assert all(asked.startswith(f"http://{HOST}/") for asked in passed_on.proxy.asked)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (407, "", "wants a name and a password"),
        (503, "X-Squid-Error: ERR_DNS_FAIL 0\r\n", f"could not reach {HOST} (503 Service Unavailable)"),
        (403, "Proxy-Status: proxy; error=http_request_denied\r\n", f"does not let {HOST} through"),
    ],
)
def test_what_the_proxy_itself_says_is_not_the_providers(
    passed_on: World, api: Api, status: int, headers: str, words: str
) -> None:
    proxy = passed_on.proxy
    assert isinstance(proxy, HttpProxy)
    proxy.status, proxy.headers = status, headers
    answer = passed_on.ask(api, "a prompt that the proxy reads")
    at = f"the proxy 127.0.0.1:{proxy.port} (HTTP_PROXY)"
    told(answer.failed.failure, Code.PROVIDER_UNREACHABLE, f"{at} {words}")
    assert answer.connected == (b"a prompt that the proxy reads" in proxy.heard)
    assert answer.connected or api == "ollama", "Ollama is asked of its model first"


# -- SOCKS 5 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_a_provider_is_reached_through_socks(socks: World, api: Api) -> None:
    answer = socks.ask(api)
    assert (answer.text, answer.connected, answer.sent) == ("yes", True, True)
    assert set(socks.proxy.asked) == {f"{HOST}:443"}, "the proxy looks the name up"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_every_way_to_write_socks(authority: Authority, secure: Loopback, scheme: str) -> None:
    with SocksProxy(secure.port) as proxy:
        at = f"{scheme}://127.0.0.1:{proxy.port}/"
        with world(proxy, authority.root, all_proxy=at) as found:
            assert [found.ask(api).text for api in APIS] == ["yes"] * len(APIS)
            proxy.wants_password = True
            for api in APIS:
                told(found.refused(api), Code.PROVIDER_UNREACHABLE, "(all_proxy) wants a name and a password")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("reply", "words"),
    [(2, "could not reach api.example.test (connection not allowed"), (5, "(connection refused)")],
)
def test_a_socks_proxy_that_refuses(socks: World, api: Api, reply: int, words: str) -> None:
    assert isinstance(socks.proxy, SocksProxy)
    socks.proxy.reply = reply
    told(socks.refused(api), Code.PROVIDER_UNREACHABLE, "(ALL_PROXY)", words)


@pytest.mark.parametrize("api", APIS)
def test_what_is_no_socks_proxy(socks: World, api: Api) -> None:
    assert isinstance(socks.proxy, SocksProxy)
    socks.proxy.garbles = True
    told(socks.refused(api), Code.PROVIDER_UNREACHABLE, "(ALL_PROXY) does not answer as a SOCKS proxy does")


def test_without_socksio_the_package_is_named(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['socksio'] = None\n")
    variables = KEYS | {"ALL_PROXY": "socks5://127.0.0.1:1"}
    with egress_process(variables, PYTHONPATH=str(tmp_path)) as egress:
        for api in APIS:
            failure = egress.ask(scripted(api, f"http://{HOST}").complete()).failed.failure
            told(
                failure,
                Code.PROVIDER_UNREACHABLE,
                "(ALL_PROXY) needs the Python package socksio",
                "pip install",
            )


# -- No proxy ---------------------------------------------------------------------------------------


def test_no_proxy_stands_before_this_machine(plain: Loopback) -> None:
    nobody: dict[str, str] = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "socks5://127.0.0.1:1")
    with egress_process(KEYS | nobody) as egress:
        for api in APIS:
            for host in ("127.0.0.1", "localhost"):
                asked = scripted(api, f"http://{host}:{plain.port}")
                assert egress.ask(asked.complete()).text == "yes"


def test_what_a_proxy_is_asked_is_never_a_word_of_the_prompt(tunnel: World) -> None:
    tunnel.ask("openai", "the-prompt-canary")
    assert b"the-prompt-canary" not in tunnel.proxy.heard
