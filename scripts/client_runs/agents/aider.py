"""aider, over OpenAI's chat completions through LiteLLM. It has no tools: a block in an answer is an edit."""

from collections.abc import Mapping

from scripts.client_runs.clients import CHANGED, FILE, KEY, LAST, TASK, Bundle, Client, Place
from scripts.client_runs.plans import Plan

PACKAGE = "aider-chat"
EDIT = f"{FILE}\n```python\n<<<<<<< SEARCH\n{LAST}=======\n{CHANGED}>>>>>>> REPLACE\n```\n"
QUIET = ("--no-check-update", "--analytics-disable", "--no-show-release-notes", "--no-show-model-warnings")


def _command(place: Place) -> list[str]:
    command = [str(place.installed / "bin" / "aider"), "--model", f"openai/{place.model}", *QUIET]
    return [*command, "--edit-format", "diff", "--no-git", "--yes-always", "--message", TASK, FILE]


def _environ(place: Place) -> Mapping[str, str]:
    return {
        "OPENAI_API_BASE": f"{place.url}/v1",
        "OPENAI_API_KEY": KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


CLIENTS = {
    "aider": Client(
        "aider, chat completions",
        Bundle("aider", "pip", (f"{PACKAGE}==0.86.2",)),
        PACKAGE,
        _command,
        plan=lambda _: Plan(end=EDIT),
        environ=_environ,
    )
}
