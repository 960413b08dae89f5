"""The clouds that are known without being set up, and how an Ollama server is found."""

import os
import re
from collections.abc import Mapping

import msgspec

from ai_pal.config.ollama_host import address
from ai_pal.config.settings import Settings
from ai_pal.config.tables import ProviderSettings

OLLAMA = "ollama"

GENERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "openai": (
        ("gpt-6-luna", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-4.1-mini", "gpt-4o-mini", "gpt-3.5-turbo"),
        ("gpt-6.1-sol", "gpt-6-sol", "gpt-5.6-sol", "gpt-5.5", "gpt-4.1", "gpt-4o", "gpt-4-turbo", "gpt-4"),
    ),
    "anthropic": (
        ("claude-haiku-5-5", "claude-haiku-4-5", "claude-3-5-haiku-latest", "claude-3-haiku-20240307"),
        ("claude-opus-5-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-6", "claude-3-opus-20240229"),
    ),
    "cohere": (
        ("command-r-08-2024", "command-r7b-12-2024", "command-r-03-2024", "command-light"),
        ("command-a-03-2025", "command-r-plus-08-2024", "command-r-plus-04-2024", "command"),
    ),
}
"""What the clouds' APIs call their models for medium and for hard prompts, the newest first. Each protocol's
first ones are asked for; the others tell what has followed one that is retired."""

KNOWN = {
    api: ProviderSettings(api=api, mid=mid[0], strong=strong[0])  # type: ignore[arg-type]
    for api, (mid, strong) in GENERATIONS.items()
}


def clouds(settings: Settings) -> dict[str, ProviderSettings]:
    """The known clouds with what the settings say of them, then those of the user's own."""
    return {name: _merged(name, settings) for name in dict.fromkeys((*KNOWN, *settings.providers))}


def provider_names(settings: Settings) -> frozenset[str]:
    """What may stand before the colon of a model that is elsewhere: a provider, a machine of the user's."""
    return frozenset((OLLAMA, *clouds(settings), *settings.machines))


def heirs(api: str, model: str) -> tuple[str, ...]:
    """Models that may follow this one of a cloud, the newest first; empty where none are known."""
    for line in GENERATIONS.get(api, ()):
        if any(model == known or re.sub(r"-(latest|\d{8})$", "", known) == model for known in line):
            return line
    return ()


def ollama_url(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """Where Ollama is asked; empty means its usual place."""
    if settings.ollama.base_url:
        return settings.ollama.base_url.rstrip("/")
    return address(environ.get("OLLAMA_HOST", ""))


def ollama_is_set_up(settings: Settings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether its user has said where it is or what it has."""
    ours = settings.ollama
    return bool(ollama_url(settings, environ) or ours.model or ours.models)


def _merged(name: str, settings: Settings) -> ProviderSettings:
    known, own = KNOWN.get(name), settings.providers.get(name)
    if known is None or own is None:
        return known or own or ProviderSettings()
    said = {field: value for field, value in msgspec.structs.asdict(own).items() if value is not None}
    return msgspec.structs.replace(known, **said)
