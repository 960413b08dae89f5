"""Model references as text: names, paths, repositories on the hub, and options behind a question mark."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ai_pal.config import Settings, paths
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.formats import adapters, drafts
from ai_pal.formats.projector import OFF
from ai_pal.protocol.wanted import HubFiles

_QUERY = re.compile(r"\?(?=[\w.-]+=|$)")
_PART = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?"
_SITE = r"(?:(?:https://)?(?:hf\.co|huggingface\.co)/)?"
_HUB = re.compile(
    rf"{_SITE}(?P<repo>{_PART}/{_PART})(?:@(?P<revision>[\w./-]+))?(?::(?P<gguf>[\w.-]+))?", re.ASCII
)

FILES = ("mmproj", "chat_template")
"""Options that name files."""


class Reference(NamedTuple):
    """A model reference taken apart; `options` have their types."""

    name: str
    options: dict[str, Any]


def split(ref: str) -> Reference:
    """`echo?slots=4` as ("echo", {"slots": 4}). Of an absolute path as much is the name as there is."""
    name, *query = _apart(ref) if ref.startswith("/") else _QUERY.split(ref.strip(), maxsplit=1)
    if not query:
        return Reference(name, {})
    from urllib.parse import parse_qsl

    pairs = parse_qsl(query[0], keep_blank_values=True)
    options = {key: _typed(value) for key, value in pairs}
    if adapters.OPTION in options:
        options[adapters.OPTION] = [value for key, value in pairs if key == adapters.OPTION and value]
    return Reference(name, options)


def _apart(ref: str) -> list[str]:
    """A path and its options: a file may have a question mark in its name, or blanks at its end."""
    ends = [len(ref), *(found.start() for found in reversed(list(_QUERY.finditer(ref))))]
    for end in ends:
        if os.path.exists(ref[:end]):
            return [ref] if end == len(ref) else [ref[:end], ref[end + 1 :].strip()]
    return _QUERY.split(ref.strip(), maxsplit=1)


def join(name: str, options: dict[str, Any]) -> str:
    """One spelling per model: options sorted, values as `split` reads them."""
    if not options:
        return name
    from urllib.parse import urlencode

    pairs = [
        (key, str(value).lower() if isinstance(value, bool) else value) for key, value in options.items()
    ]
    query = urlencode(sorted(pairs), doseq=True, safe="/=")
    return f"{name}?{query}"


def with_adapters(ref: str, lora: Sequence[str]) -> str:
    """`ref` with these adapters beside its own."""
    if not lora:
        return ref
    name, options = split(ref)
    return join(name, options | {adapters.OPTION: [*options.get(adapters.OPTION, []), *lora]})


def absolute(ref: str, cwd: Path, settings: Settings) -> str:
    """`ref` with a relative or ~ path made absolute: the supervisor has another current folder. A provider's
    model is no path, whatever it is called."""
    if elsewhere(ref, provider_names(settings)) is not None:
        return ref
    if (whole := cwd / paths.expanded(ref)).exists() and is_path(ref.strip()):
        return os.path.normpath(whole)
    name, options = split(ref)
    if is_path(name):
        name = os.path.normpath(cwd / paths.expanded(name))
    files = {key: value for key, value in options.items() if key in FILES and value not in ("", OFF)}
    if is_path(draft := drafts.named(options)):
        files[drafts.OPTION] = draft
    named: dict[str, Any] = {
        key: os.path.normpath(cwd / paths.expanded(str(value))) for key, value in files.items()
    }
    if adapters.OPTION in options:
        named[adapters.OPTION] = [adapters.absolute(one, str(cwd)) for one in options[adapters.OPTION]]
    return join(name, options | named)


def is_path(name: str) -> bool:
    """Whether `name` is a path. `org/name` is a repository on the hub; a folder is `./org/name`."""
    if name.startswith(("/", "~", "./", "../")) or name in (".", ".."):
        return True
    return hub_files(name) is None and ("/" in name or name.lower().endswith(".gguf"))


def hub_files(name: str) -> HubFiles | None:
    """`org/name[@revision][:GGUF]`, also behind `hf.co/`, or None for another kind of reference."""
    match = _HUB.fullmatch(name)
    if match is None or "--" in match["repo"] or ".." in name or match["repo"].lower().endswith(".gguf"):
        return None
    return HubFiles(match["repo"], match["revision"] or "", match["gguf"] or "")


def _typed(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
