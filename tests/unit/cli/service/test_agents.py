"""What each agent is told: pure, and whole enough to be pasted."""

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.cli.service.agents import AGENTS, Where, as_shell
from ai_pal.config.presets import Preset, save_fields

WHERE = Where("http://127.0.0.1:11435", "none", "org/name:Q4_K_M")


def told(name: str) -> str:
    setup = AGENTS[name].setup(WHERE)
    return " ".join([*setup.environment.values(), *setup.arguments, *setup.files.values()])


@pytest.mark.parametrize("name", AGENTS)
def test_each_is_told_the_server_the_key_and_the_model(name: str) -> None:
    assert WHERE.url in told(name)
    assert WHERE.key in told(name)
    assert WHERE.model in told(name)
    assert "api.openai.com" not in told(name)


@pytest.mark.parametrize("name", AGENTS)
def test_what_is_printed_is_what_a_shell_would_give_it(name: str) -> None:
    setup = AGENTS[name].setup(WHERE)
    *_, last = as_shell(setup, AGENTS[name].program, ("say", "hello there")).splitlines()
    assert shlex.split(last) == setup.command(AGENTS[name].program, ("say", "hello there"), ".")


def test_codex_is_given_toml() -> None:
    flags = AGENTS["codex"].setup(WHERE).arguments
    assert set(flags[::2]) == {"-c"}
    provider = tomllib.loads("\n".join(flags[1::2]))
    assert provider["model_provider"] == "ai-pal"
    assert provider["model_providers"]["ai-pal"]["wire_api"] == "responses"
    assert provider["model_providers"]["ai-pal"]["base_url"] == "http://127.0.0.1:11435/v1"


def test_opencode_is_given_json() -> None:
    config = json.loads(AGENTS["opencode"].setup(WHERE).environment["OPENCODE_CONFIG_CONTENT"])
    assert config["model"] == "ai-pal/org/name:Q4_K_M"
    assert list(config["provider"]["ai-pal"]["models"]) == ["org/name:Q4_K_M"]


def test_claude_is_asked_for_no_other_model_and_has_no_other_key() -> None:
    environment = AGENTS["claude"].setup(WHERE).environment
    models = {text for name, text in environment.items() if name.endswith("_MODEL")}
    assert models == {WHERE.model}
    assert environment["ANTHROPIC_API_KEY"] == ""


def test_the_window_is_told_where_it_is_known() -> None:
    known = WHERE._replace(window=8192)
    assert "model_context_window=8192" in AGENTS["codex"].setup(known).arguments
    assert "model_context_window" not in str(AGENTS["codex"].setup(WHERE).arguments)
    config = json.loads(AGENTS["opencode"].setup(known).environment["OPENCODE_CONFIG_CONTENT"])
    [model] = config["provider"]["ai-pal"]["models"].values()
    assert model["limit"] == {"context": 8192, "output": 2048}
    assert '"contextWindow": 8192' in AGENTS["pi"].setup(known).files["ai-pal.js"]
    claude = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
    assert AGENTS["claude"].setup(known).environment[claude] == "8192"
    assert claude not in AGENTS["claude"].setup(WHERE).environment


def test_an_agent_is_told_the_window_that_a_preset_says(
    ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_fields("short", Preset(model="echo", context=64), ())
    assert run(["launch", "codex", "--print", "-m", "short"]) == 0
    assert "model_context_window=64" in capsys.readouterr().out
