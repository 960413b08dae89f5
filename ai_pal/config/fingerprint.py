"""What a supervisor runs with, as checksums by name: clients see which settings differ, nothing more."""

import functools
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from ai_pal.config.clouds import ollama_url
from ai_pal.config.dotted import dotted
from ai_pal.config.egress_environment import compared
from ai_pal.config.load import PREFIX, LoadedSettings, load_settings
from ai_pal.config.owners import CLIENTS, supervisor_environment
from ai_pal.config.settings import TABLE, TABLES, Settings

Fingerprint = Mapping[str, str]
"""Checksums by the name of a setting or variable: of all that is not as it is by default. Each begins with
where it was said: `FILE`, or `HERE` for the environment and flags of one process."""

FILE, HERE = "file:", "here:"

OLLAMA_HOST = "OLLAMA_HOST"


def fingerprint(loaded: LoadedSettings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The fingerprint of a supervisor with these settings, in this environment."""
    found = {}
    for name, value in _all(loaded.settings):
        origin = loaded.origins.get(name, "default")
        if origin == "default" or name in CLIENTS:
            continue
        where = HERE if origin.startswith((PREFIX, "--")) else FILE
        found[name] = f"{where}{_of_value(value)}"
    said = compared(environ)
    if not loaded.settings.ollama.base_url and (url := ollama_url(loaded.settings, environ)):
        said[OLLAMA_HOST] = url
    return found | {name: f"{HERE}{_checksum(text)}" for name, text in said.items()}


def own_fingerprint(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The fingerprint of a supervisor that this process would start. Raises `AiPalError`."""
    mine = supervisor_environment(environ)
    return fingerprint(load_settings(environ=mine), mine)


def differences(theirs: Fingerprint, mine: Fingerprint) -> list[str]:
    """What a supervisor has otherwise than one that we would start, by name. That we say nothing of what its
    own environment says is no difference: cron's environment is empty, a service has one of its own. Nor is a
    default that one side says and the other leaves out."""
    found = []
    for name in sorted({*theirs, *mine}):
        there, here = theirs.get(name, ""), mine.get(name, "")
        silent = there.startswith(HERE) and not here.startswith(HERE)
        if not silent and _in_force(there, name) != _in_force(here, name):
            found.append(name)
    return found


def in_words(names: list[str], most: int = 3) -> str:
    """Names of settings for a line of text: a table of the file once, and not too many."""
    short = list(dict.fromkeys(n.rpartition(".")[0] if n.split(".")[0] in TABLES else n for n in names))
    rest = len(short) - most
    return ", ".join(short[:most]) + (f" and {rest} more" if rest > 0 else "")


def digest(found: Fingerprint) -> str:
    """A short hash of a whole fingerprint."""
    return f"{zlib.crc32(msgspec.json.encode(dict(found), order='sorted')):08x}"


def _all(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Every setting with the name that `origins` has for it."""
    for info in fields(Settings):
        value = getattr(settings, info.name)
        if info.name in TABLE:
            yield from ((f"{info.name}.{one.name}", getattr(value, one.name)) for one in fields(value))
        elif info.name in TABLES:
            for name, own in value.items():
                for one in fields(own):
                    yield dotted(info.name, name, one.name), getattr(own, one.name)
        else:
            yield info.name, value


def _in_force(said: str, name: str) -> str:
    return said.partition(":")[2] or _defaults().get(name, "")


@functools.cache
def _defaults() -> dict[str, str]:
    return {name: _of_value(value) for name, value in _all(Settings())}


def _of_value(value: Any) -> str:
    return f"{zlib.crc32(msgspec.json.encode(value, order='sorted')):08x}"


def _checksum(text: str) -> str:
    import hashlib  # its import takes longer than all of this, and most people have no such variable

    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=4).hexdigest()
