"""TLS between the egress process and every provider, through the real SDKs: whose certificates count, and
what is told of those that do not."""

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import egress as out
from tests.contract.conftest import KEYS
from tests.contract.providers import APIS, say_yes, scripted
from tests.egress_driver import EgressDriver, egress_process
from tests.servers.certificates import Authority
from tests.servers.listening import Listening
from tests.servers.loopback import Loopback


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def ask_all(egress: EgressDriver, tls: ssl.SSLContext | None, host: str = "localhost") -> list[Failure | str]:
    """What each of the providers says: an answer, or why not."""
    found: list[Failure | str] = []
    with Loopback(say_yes, tls=tls) as server:
        for api in APIS:
            heard = egress.ask(scripted(api, f"https://{host}:{server.port}").complete())
            if isinstance(heard.end, out.CompletionFailed):
                assert not heard.connected
                assert server.requests == []
            found.append(heard.text or heard.failed.failure)
    return found


def told(found: list[Failure | str], *words: str) -> None:
    assert len(found) == len(APIS)
    for failure in found:
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retryable) == (Code.PROVIDER_UNREACHABLE, True)
        assert "not permitted" not in failure.message
        for word in words:
            assert word in f"{failure.message}; {failure.hint}"


def test_the_file_of_the_variable_counts_for_this_machine_too(authority: Authority) -> None:
    with egress_process(KEYS | {"SSL_CERT_FILE": str(authority.root)}) as egress:
        assert ask_all(egress, authority.server("localhost")) == ["yes"] * len(APIS)
        expired = authority.server("localhost", until=dt.timedelta(days=-1))
        told(ask_all(egress, expired), "the certificate of localhost has expired", "clock")
        told(
            ask_all(egress, authority.server("elsewhere.test")),
            "the certificate of localhost is made out to another name",
        )
        told(ask_all(egress, authority.server("10.0.0.1"), "127.0.0.1"), "is made out to another address")
        found = ask_all(egress, authority.self_signed("localhost"))
        told(found, "the certificate of localhost is self-signed", f"SSL_CERT_FILE ({authority.root})")


def test_a_certificate_itself_can_be_trusted(authority: Authority, tmp_path: Path) -> None:
    tls = Authority(tmp_path).self_signed("localhost")
    with egress_process(KEYS | {"SSL_CERT_FILE": str(tmp_path / "localhost.pem")}) as egress:
        assert ask_all(egress, tls) == ["yes"] * len(APIS)
    tls = authority.server("localhost")
    with egress_process(KEYS | {"SSL_CERT_FILE": str(authority.root.with_name("localhost.pem"))}) as egress:
        assert ask_all(egress, tls) == ["yes"] * len(APIS)


def test_what_this_system_does_not_trust_is_told(authority: Authority) -> None:
    with egress_process(KEYS) as egress:
        found = ask_all(egress, authority.server("localhost"))
        told(found, "is signed by somebody who is not trusted", "of this system", "SSL_CERT_FILE=")


class Plain(Listening):
    """Answers a TLS greeting as HTTP servers do."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()


def test_a_server_without_tls_is_told_as_that() -> None:
    with egress_process(KEYS) as egress, Plain() as plain:
        for api in APIS:
            failure = egress.ask(scripted(api, f"https://127.0.0.1:{plain.port}").complete()).failed.failure
            told([failure] * len(APIS), "127.0.0.1 does not answer with TLS", "http://")


def test_a_file_that_is_not_there_is_named_and_plain_connections_go_on(authority: Authority) -> None:
    with egress_process(KEYS | {"SSL_CERT_FILE": "/not/there.pem"}) as egress:
        told(ask_all(egress, authority.server("localhost")), "SSL_CERT_FILE names /not/there.pem")
        with Loopback(say_yes) as plain:
            for api in APIS:
                assert egress.ask(scripted(api, plain.url).complete()).text == "yes"
