"""Cline, over OpenAI's chat completions: it is told who answers by a command of its own."""

from scripts.client_runs.clients import KEY, TASK, Bundle, Client, Place, edited, node

PACKAGE = "cline"
BOTH = '"$1" auth -p openai -k "$2" -m "$3" -b "$4" && exec "$1" --auto-approve true "$5"'


def _command(place: Place) -> list[str]:
    return ["sh", "-c", BOTH, "sh", node(place, "cline"), KEY, place.model, f"{place.url}/v1", TASK]


CLIENTS = {
    "cline": Client(
        "Cline, chat completions",
        Bundle("cline", "npm", (f"{PACKAGE}@3.0.65",)),
        PACKAGE,
        _command,
        plan=lambda place: edited(place, "read_files", "editor", "path", "old_text", "new_text"),
        environ=lambda _: {"CLINE_TELEMETRY_DISABLED": "1", "CLINE_NO_AUTO_UPDATE": "1"},
    )
}
