"""opencode, over each protocol for which it brings a provider."""

import json
from collections.abc import Callable, Mapping

from scripts.client_runs.clients import KEY, MOST, TASK, WINDOW, Bundle, Client, Place, edited, node

PACKAGE = "opencode-ai"
BUNDLE = Bundle("opencode", "npm", (f"{PACKAGE}@1.18.33",))


def _files(npm: str) -> Callable[[Place], Mapping[str, str]]:
    def files(place: Place) -> Mapping[str, str]:
        model = {"name": "AI-PAL", "limit": {"context": WINDOW, "output": MOST}, "tool_call": True}
        provider = {
            "npm": npm,
            "name": "AI-PAL",
            "options": {"baseURL": f"{place.url}/v1", "apiKey": KEY},
            "models": {place.model: model},
        }
        config = {"provider": {"ai-pal": provider}, "autoupdate": False, "share": "disabled"}
        return {".config/opencode/opencode.json": json.dumps(config)}

    return files


def _client(protocol: str, npm: str) -> Client:
    return Client(
        f"opencode, {protocol}",
        BUNDLE,
        PACKAGE,
        lambda place: [node(place, "opencode"), "run", "-m", f"ai-pal/{place.model}", TASK],
        plan=lambda place: edited(place, "read", "edit", "filePath", "oldString", "newString"),
        environ=lambda _: {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"},
        files=_files(npm),
    )


CLIENTS = {
    "opencode": _client("chat completions", "@ai-sdk/openai-compatible"),
    "opencode-responses": _client("responses", "@ai-sdk/openai"),
    "opencode-anthropic": _client("messages", "@ai-sdk/anthropic"),
}
