"""Qwen Code, over OpenAI's chat completions."""

import json
from collections.abc import Mapping

from scripts.client_runs.clients import KEY, TASK, Bundle, Client, Place, edited, node

PACKAGE = "@qwen-code/qwen-code"


def _files(_: Place) -> Mapping[str, str]:
    settings = {
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True, "enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
        "security": {"auth": {"selectedType": "openai"}},
    }
    return {".qwen/settings.json": json.dumps(settings)}


def _environ(place: Place) -> Mapping[str, str]:
    return {"OPENAI_BASE_URL": f"{place.url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": place.model}


CLIENTS = {
    "qwen": Client(
        "Qwen Code, chat completions",
        Bundle("qwen", "npm", (f"{PACKAGE}@0.24.4",)),
        PACKAGE,
        lambda place: [node(place, "qwen"), "-p", TASK, "--approval-mode", "yolo"],
        plan=lambda place: edited(place, "read_file", "edit", "file_path", "old_string", "new_string"),
        environ=_environ,
        files=_files,
    )
}
