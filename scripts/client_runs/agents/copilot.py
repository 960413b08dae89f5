"""GitHub's Copilot command with a provider of one's own, over each protocol that it speaks."""

from collections.abc import Callable, Mapping

from scripts.client_runs.clients import KEY, MOST, TASK, WINDOW, Bundle, Client, Place, edited, node

PACKAGE = "@github/copilot"
BUNDLE = Bundle("copilot", "npm", (f"{PACKAGE}@1.0.102",))


def _environ(kind: str, wire: str, path: str) -> Callable[[Place], Mapping[str, str]]:
    def environ(place: Place) -> Mapping[str, str]:
        return {
            "COPILOT_PROVIDER_BASE_URL": place.url + path,
            "COPILOT_PROVIDER_TYPE": kind,
            "COPILOT_PROVIDER_WIRE_API": wire,
            "COPILOT_PROVIDER_API_KEY": KEY,
            "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(WINDOW - MOST),
            "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": str(MOST),
            "COPILOT_MODEL": place.model,
            "COPILOT_OFFLINE": "true",
            "COPILOT_AUTO_UPDATE": "false",
        }

    return environ


def _client(protocol: str, kind: str, wire: str, path: str) -> Client:
    return Client(
        f"Copilot, {protocol}",
        BUNDLE,
        PACKAGE,
        lambda place: [node(place, "copilot"), "-p", TASK, "--allow-all-tools", "--no-color"],
        plan=lambda place: edited(place, "view", "edit", "path", "old_str", "new_str"),
        environ=_environ(kind, wire, path),
    )


CLIENTS = {
    "copilot": _client("chat completions", "openai", "completions", "/v1"),
    "copilot-responses": _client("responses", "openai", "responses", "/v1"),
    "copilot-anthropic": _client("messages", "anthropic", "completions", ""),
}
