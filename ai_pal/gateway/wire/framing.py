"""What a request says of its own shape, held to HTTP/1.1 before anybody reads it: what could be understood in
two ways, by a proxy and by us, is refused. Pure."""

from collections.abc import Iterable

import httptools

Headers = list[tuple[bytes, bytes]]

VERSIONS = ("1.0", "1.1")

ONCE = frozenset(
    {
        *(b"host", b"origin", b"sec-fetch-site", b"content-type", b"content-length", b"content-encoding"),
        *(b"authorization", b"x-api-key", b"anthropic-version"),
    }
)
"""Headers that decide something: two of them would be two requests in one."""

OWN = b"x-ai-pal-"

_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


class UnfitError(Exception):
    """Such a request is not read any further; its connection ends with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def fit(version: str, method: bytes, headers: Headers) -> Headers:
    """The headers, each once: where one may be repeated, it is a list. Raises `UnfitError`."""
    if version not in VERSIONS:
        raise UnfitError(505, "this server speaks HTTP/1.1")
    if method == b"CONNECT":
        raise UnfitError(501, "this server is no proxy")
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name in ONCE or name.startswith(OWN):
            raise UnfitError(400, f"the header {name.decode('latin-1')} comes twice")
        else:
            found[name] += b", " + value
    if version == "1.1" and b"host" not in found:
        raise UnfitError(400, "a request has to have a Host header")
    if (coding := found.get(b"transfer-encoding")) is not None:
        if coding.strip().lower() != b"chunked":
            raise UnfitError(501, "of all transfer codings this server knows chunked")
        if version == "1.0":
            raise UnfitError(400, "HTTP/1.0 knows no chunks")
    return list(found.items())


def origin_form(url: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """A target that names its host too, as proxies are asked: the path, and that host in the place of `Host`.
    Others come back as they are. Raises `UnfitError`."""
    if url[:1] in (b"/", b"*"):
        return url, headers
    try:
        parts = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        raise UnfitError(400, "the target of the request is no path") from None
    if parts.schema not in (b"http", b"https") or not parts.host or parts.userinfo:
        raise UnfitError(400, "the target of the request is no path")
    host = b"[" + parts.host + b"]" if b":" in parts.host else parts.host
    authority = host if parts.port is None else b"%s:%d" % (host, parts.port)
    kept = [pair for pair in headers if pair[0] != b"host"]
    path = parts.path or b"/"
    return path + (b"?" + parts.query if parts.query else b""), [(b"host", authority), *kept]


def without_upgrade(version: str, method: bytes, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The same head without the wish for another protocol, which this server may pass over: Java's clients
    ask for HTTP/2 so, and send their body right behind it."""
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            wished = (part.strip() for part in value.split(b","))
            left = b", ".join(part for part in wished if part.lower() not in _UPGRADE)
            lines += [b"connection: " + left] if left else []
        elif name not in _UPGRADE:
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])
