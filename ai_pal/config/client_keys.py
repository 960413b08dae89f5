"""Who may ask over HTTP: named keys with their rights. Of a key itself only a hash is kept."""

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping

import msgspec

from ai_pal.config import paths
from ai_pal.config.whole_file import alone, read_whole, write_whole
from ai_pal.errors import Code, fail, fail_to_write

PREFIX = "sk-aipal-"
"""How each key begins: some clients take none that begins otherwise, and who finds one knows whose it is."""

_SECRET_BYTES = 32
_NAME = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"


class ClientKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a key may. `models` are patterns of names, none is all; with `mine` nothing that it asks leaves
    the user's machines, with `local_only` this one; `budget_day` is in US dollars; times are in seconds since
    1970. `manage`: it may fetch, name and remove models, and name files and options of them.
    A right that this version does not know makes the file unreadable: it must not be passed over."""

    sha256: str
    created: float
    models: tuple[str, ...] = ()
    local_only: bool = False
    mine: bool = False
    budget_day: float | None = None
    expires: float | None = None
    manage: bool = False

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires


Keys = Mapping[str, ClientKey]


def fingerprint(key: str) -> str:
    """What is kept of a key. One fast hash is enough: 32 random bytes are not to be guessed, and each request
    is looked up by it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def named_by(key: str, keys: Keys) -> str:
    """Whose key this is, "" for nobody's. Takes as long whatever it is: each is compared, and in whole."""
    given, found = fingerprint(key), ""
    for name, known in keys.items():
        if hmac.compare_digest(known.sha256, given):
            found = name
    return found


def read_keys(environ: Mapping[str, str] = os.environ) -> dict[str, ClientKey]:
    """All keys by name; none where none was ever made. Raises `AiPalError` (`file_unreadable`): a key that
    cannot be read must not turn into no key at all."""
    return read_whole(paths.client_keys_file(environ), dict[str, ClientKey], {}, "make new keys")


def create(name: str, rights: ClientKey, environ: Mapping[str, str] = os.environ) -> str:
    """A new key with the rights of `rights`; it is nowhere else. Raises `AiPalError`: there is one of this
    name, or none can be called so."""
    if not re.fullmatch(_NAME, name):
        hint = "64 letters, digits, '.', '_', '-' or '@' at most"
        fail(Code.BAD_REQUEST, f"{name!r} can be no key's name", hint)
    key = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)

    def add(keys: dict[str, ClientKey]) -> None:
        if name in keys:
            hint = f"choose another name, or take it back first: ai-pal keys revoke {name}"
            fail(Code.BAD_REQUEST, f"there is a key {name!r} already", hint)
        keys[name] = msgspec.structs.replace(rights, sha256=fingerprint(key), created=time.time())

    _change(add, environ)
    return key


def revoke(name: str, environ: Mapping[str, str] = os.environ) -> int:
    """Take a key back; gives how many are left. Raises `AiPalError` (`no_key`): there is none so called."""

    def drop(keys: dict[str, ClientKey]) -> None:
        if keys.pop(name, None) is None:
            fail(Code.NO_KEY, f"there is no key {name!r}", "see: ai-pal keys list")

    return len(_change(drop, environ))


def _change(change: Callable[[dict[str, ClientKey]], None], environ: Mapping[str, str]) -> Keys:
    file = paths.client_keys_file(environ)
    try:
        with alone(file.parent):
            keys = read_keys(environ)
            change(keys)
            data = msgspec.json.encode(keys, order="sorted")
            write_whole(file, msgspec.json.format(data) + b"\n")
    except OSError as error:
        fail_to_write(file, error, "check its folder")
    return keys
