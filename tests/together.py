"""Files whose tests run in one process, one file after the other: they ask the same server or browser, which
takes seconds to start."""

from pathlib import PurePath

from xdist.scheduler import LoadFileScheduling

FOLDER = "tests/gateway"
TOGETHER = {
    "rows": [
        *("conformance/anthropic", "conformance/differences", "conformance/ollama", "conformance/openai"),
        *("conformance/responses", "wrong_types"),
    ],
    "gateway": [
        *("admission", "anthropic", "kept_tokens", "launch", "leaving", "node", "ollama", "openai"),
        *("responses", "wire"),
    ],
    "own": ["metrics", "ollama_command", "ollama_models", "open_webui"],
    "page": ["page/back", "page/shelf", "page/talk"],
    "views": ["page/views"],
}
"""Files of `tests/gateway`, by a name for each group."""


def _path(name: str) -> str:
    where = PurePath(FOLDER, name)
    return str(where.with_name(f"test_{where.name}.py"))


GROUPS = {_path(name): group for group, names in TOGETHER.items() for name in names}
"""The group of each of these files."""


class TogetherScheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file at a time, as `--dist loadfile` has it, or such a group."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return GROUPS.get(file, file)
