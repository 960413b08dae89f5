"""Names of settings in tables, in one text: `models."llama3.2".context`, quoted as TOML quotes keys."""

import re

_BARE = r"[A-Za-z0-9_-]+"


def dotted(*path: str) -> str:
    """The keys of `path` as one name; what is no bare key of TOML stands in quotes."""
    return ".".join(part if re.fullmatch(_BARE, part) else _quoted(part) for part in path)


def _quoted(part: str) -> str:
    import json  # seldom needed, and every command would wait for it

    return json.dumps(part, ensure_ascii=False)
