"""What a key may is held on the way to the supervisor."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.config.client_keys import ClientKey
from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.access.callers import Caller
from ai_pal.gateway.access.rights import KeyedClient
from ai_pal.gateway.anthropic.doors import count_tokens
from ai_pal.gateway.asking.privacy_level import kept_to_level
from ai_pal.gateway.ollama import doors as ollama
from ai_pal.gateway.openai import embeddings as openai
from ai_pal.protocol.client import ProviderStatus

OPERATIONS = [name for name in dir(AsyncClient) if not name.startswith("_")]
OPEN = {
    *("chat", "complete_stream", "embed", "rerank", "count_tokens", "models", "status", "load", "unload"),
    *("pull", "named", "managing", "events", "route", "providers", "call_off", "rate", "vouch"),
}


class Inner:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **how: self.asked.append((name, how))


def keyed(**rights: Any) -> tuple[KeyedClient, Inner]:
    inner = Inner()
    caller = Caller("guest", ClientKey(sha256="", created=0.0, **rights))
    return KeyedClient(cast("AsyncClient", inner), caller), inner


@pytest.mark.parametrize("operation", sorted({*OPERATIONS, *OPEN}))
def test_an_operation_is_closed_until_it_is_opened(operation: str) -> None:
    client, _ = keyed()
    if operation in OPEN:
        assert callable(getattr(client, operation))
    else:
        with pytest.raises(AiPalError, match="no key may do this"):
            getattr(client, operation)


def test_nobody_asks_in_the_name_of_another() -> None:
    client, inner = keyed(local_only=True, budget_day=0.5)
    client.chat("x", principal="admin", local_only=False, day_budget=9.0, model="echo")
    client.complete_stream("x", principal="admin")
    (_, chat), (_, completion) = inner.asked
    assert chat | {"model": ""} == {
        "model": "", "principal": "guest", "only": [], "local_only": True, "day_budget": 0.5
    }  # fmt: skip
    assert completion["principal"] == "guest"


def test_a_key_for_machines_of_the_user_alone_holds_for_all_that_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[machines.box]\nurl = "https://box:1"\ncertificate = "TUlJ"\n')
    monkeypatch.setenv("AI_PAL_CONFIG", str(file))
    client, inner = keyed(mine=True, manage=True)
    client.chat("x", mine=False)
    client.complete_stream("x")
    for coroutine in (
        client.embed(["x"]),
        client.rerank("x", ["y"]),
        client.count_tokens("x"),
        client.route("x"),
    ):
        with pytest.raises(TypeError):  # what writes it down is no coroutine
            asyncio.run(coroutine)
    assert [how["mine"] for _, how in inner.asked] == [True] * 6
    with pytest.raises(AiPalError) as refused:
        client.pull("x")
    assert refused.value.code == Code.LOCAL_ONLY

    async def providers(*args: object, **how: object) -> list[ProviderStatus]:
        near = ProviderStatus("ollama", "ollama", [])
        return [near, *(ProviderStatus(name, "openai", [], remote=True) for name in ("box", "openai"))]

    monkeypatch.setattr(inner, "providers", providers, raising=False)
    assert [one.name for one in asyncio.run(client.providers())] == ["ollama", "box"]


def test_who_names_no_model_may_have_one_of_theirs() -> None:
    client, inner = keyed(models=("smollm2*",))
    client.chat("x", only=["*"])
    assert inner.asked[0][1]["only"] == ["smollm2*"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("smollm2", ""),
        ("SmolLM2:latest", ""),
        ("qwen3", Code.MODEL_NOT_FOUND),
        ("openai:smollm2", Code.MODEL_NOT_FOUND),
        ("smollm2?lora=/etc/passwd", Code.ACCESS_DENIED),
        ("/models/smollm2.gguf", Code.ACCESS_DENIED),
        ("smollm2/../x.gguf", Code.ACCESS_DENIED),
        ("", Code.BAD_REQUEST),
    ],
)
def test_models_by_name(name: str, code: str) -> None:
    client, _ = keyed(models=("smollm2*",))
    if not code:
        assert client.named(name)
        return
    with pytest.raises(AiPalError) as refused:
        client.named(name)
    assert refused.value.code == code


def test_only_who_manages_names_files_fetches_and_unloads_all() -> None:
    client, inner = keyed()
    for forbidden in (lambda: client.pull("x"), client.unload, lambda: client.load("x", pull=True)):
        with pytest.raises(AiPalError) as refused:
            forbidden()
        assert refused.value.code == Code.ACCESS_DENIED
    assert inner.asked == []
    client, inner = keyed(manage=True)
    client.pull("x")
    client.unload()
    assert client.named("/models/a.gguf?context=512")
    assert [name for name, _ in inner.asked] == ["pull", "unload"]
    client, _ = keyed(manage=True, local_only=True)
    with pytest.raises(AiPalError) as refused:
        client.pull("x")
    assert refused.value.code == Code.LOCAL_ONLY


def test_only_who_sees_all_requests_judges_answers() -> None:
    for rights in ({}, {"manage": True, "models": ("smollm2*",)}):
        with pytest.raises(AiPalError) as refused:
            asyncio.run(keyed(**rights)[0].rate(1, good=True))
        assert refused.value.code == Code.ACCESS_DENIED


@pytest.mark.parametrize(
    ("door", "body"),
    [
        (openai.embeddings, b'{"model": "m", "input": "a"}'),
        (openai.rerank, b'{"model": "m", "query": "a", "documents": ["b"]}'),
        (ollama.embed, b'{"model": "m", "input": "a"}'),
        (ollama.embeddings, b'{"model": "m", "prompt": "a"}'),
        (count_tokens, b'{"model": "m", "messages": [{"role": "user", "content": "a"}]}'),
    ],
    ids=["openai", "rerank", "ollama", "ollama before", "anthropic"],
)
def test_what_a_model_reads_is_marked(door: Callable[[bytes], Any], body: bytes) -> None:
    assert door(body).reads == "m"


def test_what_is_to_stay_is_told_to_whoever_reads_it() -> None:
    def read(client: AsyncClient, headers: dict[str, Any], inner: Inner) -> dict[str, Any]:
        kept = kept_to_level(client, cast("Asking", headers))
        kept.complete_stream("a", model="m?context=9", principal="said")
        return inner.asked.pop()[1]

    owner = Inner()
    plain = cast("AsyncClient", owner)
    assert kept_to_level(plain, {}) is plain
    asked = read(plain, {"local_only": True}, owner)
    assert (asked["local_only"], asked["principal"]) == (True, "said")
    assert read(plain, {"goal": "privacy"}, owner)["local_only"]
    assert read(plain, {"mine": True}, owner)["mine"]
    assert not {"local_only", "mine"} & read(plain, {}, owner).keys()
    for bound in ("local_only", "mine"):
        client, inner = keyed(manage=True, **{bound: True})
        asked = read(client, {}, inner)
        assert (asked[bound], asked["principal"]) == (True, "guest")


@pytest.mark.parametrize("bound", ["local_only", "mine"])
def test_a_key_that_is_bound_has_nothing_fetched(bound: str) -> None:
    client, inner = keyed(manage=True, **{bound: True})
    for fetch in (lambda: client.pull("m"), lambda: client.load("m", pull=True)):
        with pytest.raises(AiPalError) as refused:
            fetch()
        assert refused.value.code == Code.LOCAL_ONLY
    client.load("m")
    client.chat("hi", model="m", pull=True)
    client.complete_stream("hi", model="m", pull=True)
    assert [how.get("pull", False) for _, how in inner.asked] == [False, False, False]
