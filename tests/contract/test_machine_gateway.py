"""A machine at its own gateway: its certificate is the only one that is trusted, its key goes to nobody else,
and it is told to pass nothing on."""

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.errors import Code
from ai_pal.machines.certificate import certificate_at, fingerprint, same_fingerprint
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Machine, Provider
from tests.egress_driver import EgressDriver, egress_process
from tests.servers.certificates import Authority
from tests.servers.loopback import Exchange, Loopback

KEY = "aip-the-key-of-the-box"
ANSWER = {
    "model": "echo",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
}


class FakeGateway:
    """Answers whoever shows the key, and notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []

    async def answer(self, exchange: Exchange) -> None:
        self.heard.append(exchange.headers)
        if exchange.headers.get("authorization") != f"Bearer {KEY}":
            await exchange.answer_json(401, {"error": {"message": "no key"}})
        elif exchange.path.endswith("/models"):
            await exchange.answer_json(200, {"data": [{"id": "echo"}, {"id": "qwen3:8b"}]})
        else:
            await exchange.answer(200, json.dumps(ANSWER).encode())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def fake() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def server(fake: FakeGateway, authority: Authority) -> Iterator[Loopback]:
    with Loopback(fake.answer, tls=authority.self_signed("box.example")) as found:
        yield found


@pytest.fixture(scope="module")
def keyed() -> Iterator[EgressDriver]:
    with egress_process({"AI_PAL_KEY_BOX": KEY}) as driver:
        yield driver


def pinned(authority: Authority, name: str = "box.example") -> str:
    pem = (authority.root.parent / f"{name}.pem").read_text()
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()


def complete(server: Loopback, certificate: str, *, mine: bool = False) -> out.Complete:
    machine = Machine("", certificate=certificate)
    provider = Provider("box", "openai", f"https://127.0.0.1:{server.port}/v1", machine)
    return out.Complete(0, provider, "echo", [Message("user", "a secret")], mine=mine)


def test_it_is_asked_with_its_key_and_told_to_pass_nothing_on(
    keyed: EgressDriver, server: Loopback, fake: FakeGateway, authority: Authority
) -> None:
    """Its certificate is made out to another name: who it is says the certificate itself."""
    asked = complete(server, pinned(authority), mine=True)
    assert keyed.ask(asked).text == "yes"
    assert fake.heard[-1]["x-ai-pal-local-only"] == "1"
    listed = keyed.ask(out.ListModels(0, asked.provider)).end
    assert isinstance(listed, out.ProviderModels)
    assert listed.names == ["echo", "qwen3:8b"]


def test_nothing_goes_to_who_has_another_certificate(
    keyed: EgressDriver, server: Loopback, fake: FakeGateway, authority: Authority
) -> None:
    authority.self_signed("other.example")
    signed = authority.server("signed.example")
    for certificate in (pinned(authority, "other.example"), pinned(authority, authority.root.stem)):
        answer = keyed.ask(complete(server, certificate))
        assert answer.failed.failure.code == Code.MACHINE_CHANGED
        assert not answer.connected
    with Loopback(fake.answer, tls=signed) as impostor:
        failure = keyed.ask(complete(impostor, pinned(authority))).failed.failure
    assert failure.code == Code.MACHINE_CHANGED
    assert fake.heard == []


def test_only_a_pinned_one_is_the_users_own(
    keyed: EgressDriver, server: Loopback, fake: FakeGateway, authority: Authority
) -> None:
    unpinned = complete(server, "", mine=True)
    assert keyed.ask(unpinned).failed.failure.code == Code.LOCAL_ONLY
    private = msgspec.structs.replace(complete(server, pinned(authority)), local_only=True)
    assert keyed.ask(private).failed.failure.code == Code.LOCAL_ONLY
    assert fake.heard == []


def test_a_certificate_is_looked_at_before_it_is_pinned(
    server: Loopback, authority: Authority, tmp_path: Path
) -> None:
    seen = certificate_at("box", f"https://127.0.0.1:{server.port}")
    assert seen == pinned(authority)
    mark = fingerprint(seen)
    spelled = ":".join(mark[7:][at : at + 2] for at in range(0, 64, 2))
    assert same_fingerprint(mark, f"sha256 Fingerprint={spelled}".upper())
    assert not same_fingerprint(mark, "SHA256:00")
