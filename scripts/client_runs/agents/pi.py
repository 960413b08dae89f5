"""pi, over each protocol that it speaks."""

import json
from collections.abc import Callable, Mapping

from scripts.client_runs.clients import CHANGED, KEY, LAST, MOST, TASK, WINDOW, Bundle, Client, Place, node
from scripts.client_runs.plans import Call, Plan

PACKAGE = "@mariozechner/pi-coding-agent"
BUNDLE = Bundle("pi", "npm", (f"{PACKAGE}@0.73.1",))


def _files(api: str, path: str) -> Callable[[Place], Mapping[str, str]]:
    def files(place: Place) -> Mapping[str, str]:
        model = {"id": place.model, "name": "AI-PAL", "contextWindow": WINDOW, "maxTokens": MOST}
        provider = {"baseUrl": place.url + path, "api": api, "apiKey": KEY, "models": [model]}
        return {".pi/agent/models.json": json.dumps({"providers": {"ai-pal": provider}})}

    return files


def _plan(place: Place) -> Plan:
    edit = {"path": place.file, "edits": [{"oldText": LAST, "newText": CHANGED}]}
    return Plan((Call("read", {"path": place.file}), Call("edit", edit)))


def _client(protocol: str, api: str, path: str) -> Client:
    return Client(
        f"pi, {protocol}",
        BUNDLE,
        PACKAGE,
        lambda place: [node(place, "pi"), "-p", "--provider", "ai-pal", "--model", place.model, TASK],
        _plan,
        environ=lambda _: {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"},
        files=_files(api, path),
    )


CLIENTS = {
    "pi": _client("chat completions", "openai-completions", "/v1"),
    "pi-responses": _client("responses", "openai-responses", "/v1"),
    "pi-anthropic": _client("messages", "anthropic-messages", ""),
}
