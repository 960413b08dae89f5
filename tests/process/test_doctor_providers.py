"""`ai-pal doctor` and the models of a real Ollama, a real llama.cpp server and clouds on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.config import paths
from tests.process.command import ai_pal
from tests.process.homes import Environ
from tests.servers.llama_cpp import KEY
from tests.servers.loopback import Exchange, Loopback


async def openai(exchange: Exchange) -> None:
    """A cloud that has retired gpt-3.5-turbo."""
    if exchange.headers.get("authorization") != "Bearer good":
        await exchange.answer_json(401, {"error": {"message": "no"}})
        return
    names = ["gpt-4", "gpt-4o"]
    await exchange.answer_json(
        200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
    )


@pytest.fixture
def cloud() -> Iterator[Loopback]:
    with Loopback(openai) as server:
        yield server


def with_key(key: str, cloud: Loopback) -> str:
    """Settings with this cloud alone, and with models of another time."""
    provider = f'base_url = "{cloud.url}/v1"\napi_key = "{key}"\nmid = "gpt-3.5-turbo"\nstrong = "gpt-4"\n'
    return f"ollama.enabled = false\n[providers.openai]\n{provider}"


def doctor(environ: Environ, config: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and each finding by the name of its check."""
    file = Path(environ["AI_PAL_HOME"]) / "doctor.toml"
    file.write_text(config)
    file.chmod(0o600)
    done = ai_pal(environ | {"AI_PAL_CONFIG": str(file)}, "doctor", "--json")
    assert done.stderr == ""
    return done.returncode, {finding["check"]: finding for finding in json.loads(done.stdout)["checks"]}


def test_models_that_a_cloud_has_retired_are_named(home: Environ, cloud: Loopback) -> None:
    config = with_key("good", cloud)
    code, found = doctor(home, config)
    assert code == 0
    assert found["openai"]["state"] == "warn"
    assert found["openai"]["text"].startswith("gpt-3.5-turbo is gone; it has gpt-4")
    assert cloud.requests == [("GET", "/v1/models")]
    assert not paths.run_dir(home).exists(), "what doctor starts ends with it"


def test_a_key_that_is_not_accepted_is_a_fault(home: Environ, cloud: Loopback) -> None:
    config = with_key("bad", cloud)
    code, found = doctor(home, config)
    assert (code, found["openai"]["state"]) == (1, "fail")
    assert found["openai"]["mend"] == "check it, or: ai-pal keys set openai"


def test_local_only_settings_ask_no_cloud(home: Environ, cloud: Loopback) -> None:
    config = with_key("good", cloud)
    for private in ("local_only = true\n", 'optimization_goal = "privacy"\n'):
        _, found = doctor(home, private + config)
        assert found["openai"]["text"] == "not asked: nothing may leave this machine"
    assert cloud.requests == []


def test_a_key_without_consent_is_not_used(home: Environ) -> None:
    _, found = doctor(home | {"OPENAI_API_KEY": "sk-canary"}, "ollama.enabled = false\n")
    assert found["openai"]["state"] == "ok"
    assert "ai-pal consent openai" in found["openai"]["text"]


def test_a_real_ollama_and_a_real_server_of_the_users_own(
    home: Environ, ollama_url: str, llama_cpp_url: str, cloud: Loopback
) -> None:
    own = (
        f'[providers.own]\napi = "openai"\nbase_url = "{llama_cpp_url}/v1"\nmid = "nope"\napi_key = "{KEY}"\n'
    )
    _, found = doctor(home, f'[ollama]\nbase_url = "{ollama_url}"\nmodel = "smollm2"\n{own}')
    assert (found["ollama"]["state"], found["ollama"]["text"]) == ("ok", "has smollm2")
    assert found["own"]["text"].startswith("nope is gone; it has ")
    _, found = doctor(home, f'[ollama]\nbase_url = "{ollama_url}"\n')
    assert found["ollama"]["mend"] == "run: ollama pull phi"
    assert "smollm2" in found["ollama"]["text"]
