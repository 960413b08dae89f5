"""What a type cannot say of a setting: how a provider may be called, what it needs, what an address is."""

import re
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

from ai_pal.config.clouds import KNOWN
from ai_pal.config.tables import ProviderSettings

_NAME = re.compile(r"[\w.-]+")
_TABLES = ("ollama", "local")


class Mistake(NamedTuple):
    """What is wrong, and what to write instead."""

    message: str
    hint: str


def provider_mistake(name: str, setting: ProviderSettings) -> Mistake | None:
    """What is wrong with the table `[providers.NAME]`."""
    if name in _TABLES:
        return Mistake(f"{name} is no provider of your own", f"write [{name}]")
    if not _NAME.fullmatch(name):
        allowed = "letters, digits, '.', '-' and '_': it is written before a colon, as in NAME:MODEL"
        return Mistake(f"{name!r} can be no provider's name", f"use {allowed}")
    if name not in KNOWN and setting.api is None:
        hint = 'write api = "openai", "anthropic" or "cohere"'
        return Mistake(f"providers.{name}: its protocol is missing", hint)
    return None


def checked_url(text: str) -> str:
    """An address without mistakes; empty is its usual place. Raises ValueError."""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if text and not fine:
        bare = text.rpartition("://")[2]
        raise ValueError(f"{text!r} is no address of a server; write it as {'http://' + bare!r}")
    return text


def choices(kind: Any) -> tuple[str, ...]:
    """The texts that a `Literal` type allows, through `Annotated` and `X | None`; empty for others."""
    found = [part if isinstance(part, str) else choices(part) for part in get_args(kind)]
    return tuple(text for part in found for text in ((part,) if isinstance(part, str) else part))
