"""What `OLLAMA_HOST` means: the address that Ollama's own command would dial. Pure."""

import ipaddress
import re
from urllib.parse import quote

PORT = 11434
_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65_535
_UNSPECIFIED = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not listened on
"""Where a server listens that listens everywhere: the system's own answer, for each kind of address."""

_IN_HOSTS, _IN_PATHS = "-._~!$&'()*+,;=:", "-._~$&+,/:;=@"
"""What stays as it is in a host, beside letters and digits, and in a path."""


def address(said: str) -> str:
    """The URL for a value of `OLLAMA_HOST`; "" where it says nothing. What makes no sense to Ollama becomes
    one that cannot be asked."""
    text = said.strip().strip("\"'").strip()
    if not text:
        return ""
    scheme, colon, rest = text.partition("://")
    default = _PORTS.get(scheme, PORT)  # in small letters only, as there
    if not colon:
        scheme, rest = ("https", "ollama.com:443") if text == "ollama.com" else ("http", text)
        default = PORT
    hostport, _, path = rest.partition("/")
    host, port = _host_and_port(hostport, default)
    host = _UNSPECIFIED.get(host, host)
    shown = "".join(c if c.isalnum() or c in _IN_HOSTS else _quoted(c) for c in host.lower())
    return f"{scheme.lower()}://{f'[{shown}]' if ':' in host else shown}:{port}{_clean(path)}"


def _host_and_port(text: str, default: int) -> tuple[str, int | str]:
    found = _split(text)
    if found is None:
        return _canonical(text.strip("[]")) or text or "127.0.0.1", default
    host, port = found
    known = re.fullmatch(r"[+-]?[0-9]+", port) is not None and 0 <= int(port) <= _LARGEST_PORT
    if not known:
        return host, default
    return _canonical(host) or host, port if port[0] in "+-" else int(port)


def _split(text: str) -> tuple[str, str] | None:
    """Host and port as Go's `net.SplitHostPort` parts them; None where it refuses to."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return None
    if host.startswith("["):
        host, bracket, after = host[1:].partition("]")
        if not bracket or after:
            return None
    elif ":" in host:
        return None
    return None if set("[]") & set(host + port) else (host, port)


def _canonical(host: str) -> str:
    """An IP address in its usual spelling; "" for what is none."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return ""
        found = found.ipv4_mapped or found
    return str(found)


def _clean(path: str) -> str:
    """The path without what says nothing, written as in a URL; no slash at its end."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(_quoted(part, _IN_PATHS))
    return "".join(f"/{part}" for part in kept)


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe, errors="surrogateescape")
