"""Where `ai-pal serve` listens and whom it lets ask, as settings say it. Pure."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ai_pal.config.paths import expanded

_NAME = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
_ORIGIN = r"[a-z][a-z0-9+.-]*://[^/\s*?#@]*"
_WEB = ("http://", "https://")


class Address(NamedTuple):
    """A place of TCP; `host` without brackets."""

    host: str
    port: int


def listens_at(text: str) -> Address | Path:
    """`127.0.0.1:11435` or `/run/user/1000/ai-pal.sock`. Raises ValueError."""
    if text.startswith(("/", "~/")):
        return Path(expanded(text))
    try:
        found = urlsplit(f"//{text}")
        host, port = found.hostname, found.port
    except ValueError:
        host, port = None, None
    if not host or port is None or found.netloc != text or "@" in text:
        raise ValueError(f"{text!r} is no place: write ADDRESS:PORT, or the path of a socket")
    return Address(host, port)


def objection_to_host(name: str) -> str:
    """Why this can be no name of a server, "" if it can."""
    return "" if re.fullmatch(_NAME, name) else f"{name!r} is no host name: write it without scheme and port"


def objection_to_origin(origin: str) -> str:
    """Why pages of this origin cannot be let in, "" if they can. `SCHEME://` means all of a scheme, which
    for those of the web would be everybody."""
    if not re.fullmatch(_ORIGIN, origin):
        return f"{origin!r} is no origin: write SCHEME://HOST, with :PORT if it has one, and nothing after it"
    return f"{origin!r} would let every page of the web ask: add its host" if origin in _WEB else ""
