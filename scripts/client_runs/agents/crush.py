"""crush, over OpenAI's chat completions."""

import json
from collections.abc import Mapping

from scripts.client_runs.clients import KEY, MOST, TASK, WINDOW, Bundle, Client, Place, edited, node

PACKAGE = "@charmland/crush"


def _files(place: Place) -> Mapping[str, str]:
    model = {"id": place.model, "name": "AI-PAL", "context_window": WINDOW, "default_max_tokens": MOST}
    provider = {"type": "openai-compat", "base_url": f"{place.url}/v1", "api_key": KEY, "models": [model]}
    chosen = {"provider": "ai-pal", "model": place.model, "max_tokens": MOST}
    config = {
        "providers": {"ai-pal": provider},
        "models": {"large": chosen, "small": chosen},
        "options": {"disable_metrics": True, "disable_provider_auto_update": True},
    }
    return {".config/crush/crush.json": json.dumps(config)}


CLIENTS = {
    "crush": Client(
        "crush, chat completions",
        Bundle("crush", "npm", (f"{PACKAGE}@0.96.1",)),
        PACKAGE,
        lambda place: [node(place, "crush"), "run", "--quiet", TASK],
        plan=lambda place: edited(place, "view", "edit", "file_path", "old_string", "new_string"),
        environ=lambda _: {"CRUSH_DISABLE_METRICS": "1", "CRUSH_DISABLE_PROVIDER_AUTO_UPDATE": "1"},
        files=_files,
    )
}
