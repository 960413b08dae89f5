"""Paths of clients whose base URL has a slash or a part too much, such as `/v1/v1/models`. Pure."""

import re

_SLASHES = re.compile("/{2,}")
_TWICE = re.compile("/(?:v1(?=/(?:v1|api)/)|api(?=/api/))")


def meant(path: str) -> str:
    """The path of the table that is meant."""
    plain = _SLASHES.sub("/", path)
    if len(plain) > 1:
        plain = plain.removesuffix("/")
    twice = _TWICE.match(plain)
    return plain[twice.end() :] if twice else plain
