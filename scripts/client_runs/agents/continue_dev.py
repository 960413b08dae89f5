"""Continue's command, over two protocols. Its config is YAML, and so JSON."""

import json
from collections.abc import Callable, Mapping

from scripts.client_runs.clients import CHANGED, KEY, LAST, TASK, Bundle, Client, Place, node
from scripts.client_runs.plans import Call, Plan

PACKAGE = "@continuedev/cli"
BUNDLE = Bundle("continue", "npm", (f"{PACKAGE}@1.5.47",))
CONFIG = ".continue/own.yaml"


def _files(provider: str, path: str) -> Callable[[Place], Mapping[str, str]]:
    def files(place: Place) -> Mapping[str, str]:
        model = {
            "name": "AI-PAL",
            "provider": provider,
            "model": place.model,
            "apiBase": place.url + path,
            "apiKey": KEY,
            "roles": ["chat", "edit"],
            "capabilities": ["tool_use"],
        }
        return {CONFIG: json.dumps({"name": "AI-PAL", "version": "1.0.0", "schema": "v1", "models": [model]})}

    return files


def _plan(place: Place) -> Plan:
    edit = {"file_path": place.file, "old_string": LAST, "new_string": CHANGED}
    return Plan((Call("Read", {"filepath": place.file}), Call("Edit", edit)))


def _command(place: Place) -> list[str]:
    return [node(place, "cn"), "-p", TASK, "--config", str(place.home / CONFIG), "--auto"]


def _client(protocol: str, provider: str, path: str) -> Client:
    return Client(
        f"Continue, {protocol}",
        BUNDLE,
        PACKAGE,
        _command,
        plan=_plan,
        environ=lambda _: {"CONTINUE_TELEMETRY_ENABLED": "0", "CONTINUE_CLI_ENABLE_TELEMETRY": "0"},
        files=_files(provider, path),
    )


CLIENTS = {
    "continue": _client("chat completions", "openai", "/v1"),
    "continue-anthropic": _client("messages", "anthropic", "/v1"),
}
