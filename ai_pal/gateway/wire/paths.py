"""Paths of clients whose base URL has a slash or a part too much, such as `/v1/v1/models`. Pure."""

import re
from urllib.parse import parse_qsl

_SLASHES = re.compile("/{2,}")
_TWICE = re.compile("/(?:v1(?=/(?:v1|api)/)|api(?=/api/))")
_MODELS = "/models/"
"""Behind it stands a model's name, which is the path of a file where that was asked: it keeps its slashes."""


def query_of(raw: bytes) -> dict[str, str]:
    """What is asked for in an address; of a list (`name[]`) all, with commas between."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1")):
        found[name] = f"{found[name]},{value}" if name in found and name.endswith("[]") else value
    return found


def meant(path: str) -> str:
    """The path of the table that is meant."""
    base, models, name = path.partition(_MODELS)
    plain = _SLASHES.sub("/", base + models) + name.removesuffix("/")
    if len(plain) > 1:
        plain = plain.removesuffix("/")
    twice = _TWICE.match(plain)
    return plain[twice.end() :] if twice else plain
