"""The page's own files: a shell that begins it, and what it loads. They hold nothing of anybody's."""

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ai_pal.errors import Code, Failure
from ai_pal.gateway.asking.asked import Told
from ai_pal.gateway.wire.statuses import StatusError

_KINDS = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types ai-pal"
)
"""No script, style or request but our own, whatever stands in the page; HTML is put in at one place."""

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_SHELL = (
    *SAFE,
    (b"content-security-policy", POLICY.encode()),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"Accept, Accept-Encoding"),
)
_FOR_EVER = (*SAFE, (b"cache-control", b"max-age=31536000, immutable"), (b"vary", b"Accept-Encoding"))


class Packed(NamedTuple):
    """A file, and the same made smaller."""

    media_type: str
    data: bytes
    small: bytes


@cache
def _all() -> tuple[str, dict[str, Packed]]:
    """The version of all files together, and each by its name."""
    folder = files("ai_pal.gateway.page") / "static"
    found = {one.name: one.read_bytes() for one in sorted(folder.iterdir(), key=lambda one: one.name)}
    version = hashlib.sha256(b"".join(name.encode() + data for name, data in found.items())).hexdigest()[:12]
    packed: dict[str, Packed] = {}
    for name, data in found.items():
        whole = data.replace(b"VERSION", version.encode()) if name == "index.html" else data
        packed[name] = Packed(_KINDS[name.rpartition(".")[2]], whole, gzip.compress(whole, 9, mtime=0))
    return version, packed


def version() -> str:
    """Another one for each change of a file: a page that is open longer than its server sees it."""
    return _all()[0]


def shell(encodings: str) -> Told:
    """The page that begins it; `encodings` are those that its browser takes."""
    return _told(_all()[1]["index.html"], _SHELL, encodings)


def file(said_version: str, name: str, encodings: str) -> Told:
    """One of its files. Raises `StatusError`: there is none, or no longer."""
    known, found = _all()
    if said_version != known or name not in found:
        raise StatusError(404, Failure(Code.BAD_REQUEST, "there is no such file here"))
    return _told(found[name], _FOR_EVER, encodings)


def weight() -> int:
    """Bytes of all files as they travel."""
    return sum(len(one.small) for one in _all()[1].values())


def _told(one: Packed, headers: tuple[tuple[bytes, bytes], ...], encodings: str) -> Told:
    if "gzip" in encodings:
        return Told(one.small, one.media_type, (*headers, (b"content-encoding", b"gzip")))
    return Told(one.data, one.media_type, headers)
