"""Codex, over OpenAI's responses, the only protocol that it speaks."""

from collections.abc import Mapping

from scripts.client_runs.clients import ADDED, TASK, Bundle, Client, Place, node
from scripts.client_runs.plans import Call, Plan

PACKAGE = "@openai/codex"


def _files(place: Place) -> Mapping[str, str]:
    config = f"""\
model = "{place.model}"
model_provider = "ai-pal"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.ai-pal]
name = "AI-PAL"
base_url = "{place.url}/v1"
wire_api = "responses"
"""
    return {".codex/config.toml": config}


def _command(place: Place) -> list[str]:
    skips = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    return [node(place, "codex"), "exec", *skips, TASK]


def _plan(place: Place) -> Plan:
    """It edits through its shell."""
    return Plan((Call("exec_command", {"cmd": f"printf '%s' '{ADDED}' >> {place.file}"}),))


CLIENTS = {
    "codex": Client(
        "Codex, responses",
        Bundle("codex", "npm", (f"{PACKAGE}@0.171.0",)),
        PACKAGE,
        _command,
        _plan,
        files=_files,
    )
}
