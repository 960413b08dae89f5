"""Every proxy and certificate as both libraries take them."""

from types import ModuleType

import httpx
import httpx2
import pytest

from ai_pal.network.library import Ways
from ai_pal.network.proxies import Proxy
from ai_pal.network.trouble import Blocked


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("secure", [True, False])
def test_a_client_can_be_made(library: ModuleType, scheme: str, secure: bool) -> None:
    proxy = Proxy(f"{scheme}://somebody:secret@[fe80::1]:3128", "ALL_PROXY")
    library.AsyncClient(**Ways().options(library, proxy, secure=secure))


def test_plain_connections_need_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/not/there")
    ways = Ways()
    assert ways.options(httpx2, None, secure=False)
    for _ in range(2):
        with pytest.raises(Blocked):
            ways.options(httpx2, None, secure=True)
    with pytest.raises(Blocked):
        ways.options(httpx2, Proxy("https://a.test", "ALL_PROXY"), secure=False)
