"""Claude Code, over Anthropic's Messages."""

from collections.abc import Mapping

from scripts.client_runs.clients import KEY, TASK, Bundle, Client, Place, edited, node

PACKAGE = "@anthropic-ai/claude-code"


def _environ(place: Place) -> Mapping[str, str]:
    names = ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL", "ANTHROPIC_SMALL_FAST_MODEL")
    return {
        "ANTHROPIC_BASE_URL": place.url,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        **dict.fromkeys(names, place.model),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def _command(place: Place) -> list[str]:
    return [node(place, "claude"), "-p", TASK, "--permission-mode", "acceptEdits", "--output-format", "json"]


CLIENTS = {
    "claude": Client(
        "Claude Code, messages",
        Bundle("claude", "npm", (f"{PACKAGE}@2.1.332",)),
        PACKAGE,
        _command,
        plan=lambda place: edited(place, "Read", "Edit", "file_path", "old_string", "new_string"),
        environ=_environ,
    )
}
