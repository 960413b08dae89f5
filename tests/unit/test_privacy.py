"""What a local-only prompt may reach."""

import pytest
from msgspec.structs import replace

from ai_pal.errors import AiPalError, Code
from ai_pal.privacy import admit, is_loopback, is_passed_on, stays_here
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import Api, Machine, Provider


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:11434", "http://127.0.0.1:8080/v1", "https://127.9.9.9", "http://[::1]:1/a/b"),
        *("http://localhost", "http://localhost/"),
    ],
)
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:11434", "http://10.0.0.1:11434", "http://0.0.0.0:1", "http://example.com"),
        *("http://localhost.example.com", "http://127.0.0.1.example.com", "http://localhost@example.com"),
        *("http://127.0.0.1:1@example.com", "http://127.0.0.1\\@example.com", "http://example.com#127.0.0.1"),
        *("http://127.0.0.1/?u=@example.com", "http://localhost\n.example.com", "http://[::2]:1"),
        *(
            "http://127.0.0.1\u3002example.com",
            "http://127.0.0.\u0661",
            "ftp://localhost",
            "http://LOCALHOST",
        ),
    ],
)
def test_everything_else_is_none(url: str) -> None:
    assert not is_loopback(url)


def _complete(api: Api, url: str, *, local_only: bool = False) -> Complete:
    return Complete(1, Provider(api, api, url), "m", [], local_only=local_only)


def test_a_request_that_may_leave_is_not_touched() -> None:
    complete = _complete("openai", "")
    assert admit(complete, local_only=False) is complete


def test_a_local_only_request_reaches_only_ollama_on_loopback_and_says_so_on() -> None:
    assert admit(_complete("ollama", ""), local_only=True).local_only
    assert admit(_complete("ollama", "http://127.0.0.1:9"), local_only=True).local_only


@pytest.mark.parametrize(
    ("model", "passed_on"),
    [
        ("kimi-k2:cloud", True),
        ("gpt-oss:120b-cloud", True),
        ("GPT-OSS:120B-CLOUD", True),
        ("phi", False),
        ("cloud", False),
        ("cloud:7b", False),
        ("soundcloud", False),
    ],
)
def test_a_model_of_ollamas_cloud_is_known_by_its_name(model: str, passed_on: bool) -> None:
    ollama = Provider("ollama", "ollama")
    assert is_passed_on(model) is passed_on
    assert stays_here(ollama, model) is not passed_on
    complete = Complete(1, ollama, model, [])
    if passed_on:
        with pytest.raises(AiPalError, match=model) as caught:
            admit(complete, local_only=True)
        assert caught.value.code == "local_only"
        assert "the conversation, a preset, the key" in caught.value.failure.hint
    else:
        assert admit(complete, local_only=True).local_only


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("ollama", "http://192.168.0.9:11434"),
        ("openai", ""),
        ("openai", "http://127.0.0.1:8080/v1"),
        ("anthropic", ""),
        ("cohere", ""),
    ],
)
def test_anything_else_is_refused(api: Api, url: str, marked: bool) -> None:
    with pytest.raises(AiPalError) as caught:
        admit(_complete(api, url, local_only=marked), local_only=not marked)
    assert caught.value.code == "local_only"


PINNED = Machine("me@box", host_key="ssh-ed25519 AAAA", identity="0" * 32)


def _to_machine(machine: Machine, *, mine: bool = False, local_only: bool = False) -> Complete:
    provider = Provider("box", "machine", machine=machine)
    return Complete(1, provider, "m", [], mine=mine, local_only=local_only)


def test_what_is_to_stay_mine_reaches_this_machine_and_those_that_are_pinned() -> None:
    for mine in (_to_machine(PINNED, mine=True), replace(_complete("ollama", ""), mine=True)):
        assert admit(mine, local_only=False) is mine
    unpinned = [replace(PINNED, host_key=""), replace(PINNED, identity="")]
    others = [
        *(_to_machine(machine, mine=True) for machine in unpinned),
        *(replace(_complete(api, ""), mine=True) for api in ("openai", "anthropic", "cohere")),
        replace(_complete("ollama", "http://10.0.0.7:11434"), mine=True),
        replace(_complete("openai", "http://localhost:8080/v1"), mine=True),
    ]
    for other in others:
        with pytest.raises(AiPalError) as caught:
            admit(other, local_only=False)
        assert caught.value.code == Code.LOCAL_ONLY
        assert "the conversation, a preset, the key" in caught.value.failure.hint


def test_a_machine_at_its_gateway_is_the_users_own_by_its_certificate() -> None:
    def at(url: str, certificate: str) -> Complete:
        provider = Provider("box", "openai", url, Machine("", certificate=certificate))
        return Complete(1, provider, "m", [], mine=True)

    pinned = at("https://box:11435/v1", "TUlJ")
    assert admit(pinned, local_only=False) is pinned
    for other in (at("https://box:11435/v1", ""), at("http://box:11435/v1", "TUlJ")):
        with pytest.raises(AiPalError) as caught:
            admit(other, local_only=False)
        assert caught.value.code == Code.LOCAL_ONLY
    with pytest.raises(AiPalError):
        admit(pinned, local_only=True)


def test_a_pinned_machine_is_not_this_machine() -> None:
    for local in (_to_machine(PINNED, local_only=True), _to_machine(PINNED, local_only=True, mine=True)):
        with pytest.raises(AiPalError) as caught:
            admit(local, local_only=False)
        assert caught.value.code == Code.LOCAL_ONLY
