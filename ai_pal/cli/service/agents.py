"""Agents that ask over HTTP, and what each has to be told to ask here. Pure; nothing of a user's own settings
is changed: it is the environment, flags, or a file in a folder of its own."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

FOLDER = "{folder}"
"""Stands in arguments and variables for the folder that holds the files."""

USUAL_WINDOW = 32_768
"""Tokens, for an agent that has to be told a window where none is known."""

NAME = "ai-pal"
"""What this server is called in the settings of agents."""


class Where(NamedTuple):
    """The server (`http://127.0.0.1:11435`), the key that it is asked with, the model and its window in
    tokens, 0 for not known."""

    url: str
    key: str
    model: str
    window: int = 0


class Setup(NamedTuple):
    """What an agent is told: variables, arguments before those of the user, files by their names."""

    environment: dict[str, str]
    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] = {}

    def command(self, program: str, rest: tuple[str, ...], folder: str) -> list[str]:
        """The whole command line, with the files in that folder."""
        told = (argument.replace(FOLDER, folder) for argument in self.arguments)
        return [program, *told, *rest]

    def variables(self, folder: str) -> dict[str, str]:
        """The environment, with the files in that folder."""
        return {name: text.replace(FOLDER, folder) for name, text in self.environment.items()}


class Agent(NamedTuple):
    """`program` is what is started, `install` brings it."""

    name: str
    program: str
    install: str
    setup: Callable[[Where], Setup]


def _aider(where: Where) -> Setup:
    told = {"OPENAI_API_BASE": f"{where.url}/v1", "OPENAI_API_KEY": where.key}
    return Setup(told, ("--model", f"openai/{where.model}"))


def _claude(where: Where) -> Setup:
    models = ("MODEL", "SMALL_FAST_MODEL", *(f"DEFAULT_{size}_MODEL" for size in ("OPUS", "SONNET", "HAIKU")))
    told = {
        "ANTHROPIC_BASE_URL": where.url,
        "ANTHROPIC_AUTH_TOKEN": where.key,
        "ANTHROPIC_API_KEY": "",  # one that is set would be preferred to the token
        **{f"ANTHROPIC_{name}": where.model for name in models},
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",  # it changes with each request, so no prefix would be kept
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if where.window:  # for a name that it does not know it takes 1,000,000
        told["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(where.window)
    return Setup(told)


def _codex(where: Where) -> Setup:
    of_provider = {
        "name": NAME,
        "base_url": f"{where.url}/v1",
        "wire_api": "responses",
        "env_key": "CODEX_KEY",
    }
    told: dict[str, str | int] = {
        "model": where.model,
        "model_provider": NAME,
        **{f"model_providers.{NAME}.{name}": text for name, text in of_provider.items()},
    }
    if where.window:  # for a name that it does not know it takes 272,000
        told["model_context_window"] = where.window
    arguments = [part for name, text in told.items() for part in ("-c", f"{name}={json.dumps(text)}")]
    return Setup({"CODEX_KEY": where.key}, tuple(arguments))


def _continue(where: Where) -> Setup:
    model = {
        "name": where.model,
        "provider": "openai",
        "model": where.model,
        "apiBase": f"{where.url}/v1",
        "apiKey": where.key,
    }
    # JSON is YAML too.
    return Setup(
        {},
        ("--config", f"{FOLDER}/continue.yaml"),
        {"continue.yaml": _json({"name": NAME, "version": "0.0.1", "schema": "v1", "models": [model]})},
    )


def _crush(where: Where) -> Setup:
    """What was chosen last it keeps in a folder of its own, which is another one here; its settings stay."""
    window = where.window or USUAL_WINDOW
    model = {
        "id": where.model,
        "name": where.model,
        "context_window": window,
        "default_max_tokens": window // 4,
    }
    provider = {"name": NAME, "type": "openai-compat", "base_url": f"{where.url}/v1", "api_key": where.key}
    chosen = {"provider": NAME, "model": where.model}
    config = {
        "providers": {NAME: {**provider, "models": [model]}},
        "models": {"large": chosen, "small": chosen},
    }
    return Setup({"CRUSH_GLOBAL_DATA": FOLDER}, (), {"crush.json": _json(config)})


def _goose(where: Where) -> Setup:
    told = {
        "GOOSE_PROVIDER": "openai",
        "GOOSE_MODEL": where.model,
        "OPENAI_HOST": where.url,
        "OPENAI_BASE_PATH": "v1/chat/completions",
        "OPENAI_API_KEY": where.key,
    }
    return Setup(told)


def _opencode(where: Where) -> Setup:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": NAME,
        "options": {"baseURL": f"{where.url}/v1", "apiKey": where.key},
        "models": {where.model: {"name": where.model, **_limit(where)}},
    }
    model = f"{NAME}/{where.model}"
    config = {"model": model, "small_model": model, "provider": {NAME: provider}}
    return Setup({"OPENCODE_CONFIG_CONTENT": json.dumps(config)})


def _limit(where: Where) -> dict[str, Any]:
    """How much it may send and get, so that it makes its history shorter in time."""
    if not where.window:
        return {}
    return {"limit": {"context": where.window, "output": where.window // 4}}


def _pi(where: Where) -> Setup:
    """An extension that goes with it: its own settings stay as they are."""
    window = where.window or USUAL_WINDOW
    model = {
        "id": where.model,
        "name": where.model,
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": window,
        "maxTokens": window // 4,
    }
    provider = {"baseUrl": f"{where.url}/v1", "apiKey": where.key, "api": "openai-completions"}
    told = json.dumps({**provider, "models": [model]}, indent=2)
    extension = f"export default function (pi) {{\n  pi.registerProvider({json.dumps(NAME)}, {told});\n}}\n"
    flags = ("--extension", f"{FOLDER}/ai-pal.js", "--provider", NAME, "--model", where.model)
    return Setup({}, flags, {"ai-pal.js": extension})


def _qwen(where: Where) -> Setup:
    told = {
        "OPENAI_BASE_URL": f"{where.url}/v1",
        "OPENAI_API_KEY": where.key,
        "OPENAI_MODEL": where.model,
    }
    return Setup(told, ("--auth-type", "openai"))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


AGENTS = {
    agent.name: agent
    for agent in (
        Agent("aider", "aider", "python -m pip install aider-install && aider-install", _aider),
        Agent("claude", "claude", "npm install -g @anthropic-ai/claude-code", _claude),
        Agent("cn", "cn", "npm install -g @continuedev/cli", _continue),
        Agent("codex", "codex", "npm install -g @openai/codex", _codex),
        Agent("crush", "crush", "npm install -g @charmland/crush", _crush),
        Agent("goose", "goose", "https://goose-docs.ai/docs/getting-started/installation", _goose),
        Agent("opencode", "opencode", "npm install -g opencode-ai", _opencode),
        Agent("pi", "pi", "npm install -g @earendil-works/pi-coding-agent", _pi),
        Agent("qwen", "qwen", "npm install -g @qwen-code/qwen-code", _qwen),
    )
}


def as_shell(setup: Setup, program: str, rest: tuple[str, ...]) -> str:
    """The same for a person to paste into a shell, with the files in the folder that it stands in."""
    files = [f"cat > {shlex.quote(name)} <<'END'\n{text}END" for name, text in setup.files.items()]
    told = [f"export {name}={shlex.quote(text)}" for name, text in setup.variables(".").items()]
    return "\n".join([*files, *told, shlex.join(setup.command(program, rest, "."))])
