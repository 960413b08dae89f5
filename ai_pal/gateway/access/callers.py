"""Who asks: the key of a request, its name and its rights. Keys are read anew when their file changes."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ai_pal.config import paths
from ai_pal.config.client_keys import ClientKey, Keys, named_by, read_keys
from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.access import sign_in
from ai_pal.gateway.access.admission import Refusal


class Caller(msgspec.Struct, frozen=True):
    """Somebody with a key."""

    name: str
    rights: ClientKey


def presented(headers: Mapping[str, str]) -> list[str]:
    """The keys that a request shows, as Anthropic's clients do and as all others do."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return [key for key in (headers.get("x-api-key", "").strip(), bearer) if key]


def judged(headers: Mapping[str, str], keys: Keys, now: float) -> Caller | Refusal:
    """Whose request this is, or why it is nobody's. Pure."""
    shown = presented(headers)
    names = [name for key in shown if (name := named_by(key, keys))]
    for name in names:
        if not keys[name].expired(now):
            return Caller(name, keys[name])
    if names:
        return _refused(
            f"the key of {names[0]} has expired: ai-pal keys revoke {names[0]}, and create it anew"
        )
    if shown:
        return _refused("this is no key of this server, or none any more: ai-pal keys list")
    hint = "in Authorization: Bearer, or in x-api-key; ai-pal keys create NAME makes one"
    return _refused(f"this server wants a key, {hint}")


def _refused(why: str) -> Refusal:
    return Refusal(401, why, Code.KEY_REFUSED)


class Callers:
    """Knows the keys of now. `needed`: one is needed although there is none, for others than this machine's
    can ask."""

    def __init__(self, *, needed: bool = False, environ: Mapping[str, str] = os.environ) -> None:
        self._needed, self._environ = needed, environ
        self._file: Path = paths.client_keys_file(environ)
        self._stamp: tuple[int, ...] | None = None
        self._keys: Keys = {}
        self._unreadable = False

    def of(
        self, headers: Mapping[str, str], now: Callable[[], float] = time.time, *, cookie: bool = False
    ) -> Caller | Refusal | None:
        """Who asks; nobody in particular while no key is set up and none is needed. With `cookie` who has
        signed in with a browser is known too."""
        self._look()
        if self._unreadable:
            return Refusal(503, "this server cannot read its keys: its log says why", Code.FILE_UNREADABLE)
        if not self._keys and not self._needed:
            return None
        if cookie and not presented(headers) and (name := sign_in.holder(headers, self._keys, now())):
            return Caller(name, self._keys[name])
        return judged(headers, self._keys, now())

    def _look(self) -> None:
        """A key that is made or taken back counts from the next request on: a look costs microseconds."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys, self._unreadable = read_keys(self._environ), False
        except AiPalError as error:
            from ai_pal.logs import get_logger

            self._unreadable = True  # nobody is let in until it can be read
            get_logger("ai_pal.gateway").error("keys_unreadable", reason=error.failure.message)


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = os.stat(file)
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_mtime_ns, found.st_ino, found.st_size, found.st_ctime_ns)
