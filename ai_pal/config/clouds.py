"""The clouds that are known without being set up, and how an Ollama server is found."""

import os
from collections.abc import Mapping

import msgspec

from ai_pal.config.ollama_host import address
from ai_pal.config.settings import Settings
from ai_pal.config.tables import ProviderSettings

KNOWN = {
    "openai": ProviderSettings(api="openai", mid="gpt-3.5-turbo", strong="gpt-4"),
    "anthropic": ProviderSettings(api="anthropic", mid="claude-3-haiku", strong="claude-3-opus"),
    "cohere": ProviderSettings(api="cohere", mid="command", strong="command"),
}

TWINS = {
    "phi-2": "phi",
    "phi-3": "phi3",
    "llama3.2": "llama3.2",
    "tinyllama": "tinyllama",
    "smollm2": "smollm2:135m",
}
"""What Ollama calls models of the catalog."""


def clouds(settings: Settings) -> dict[str, ProviderSettings]:
    """The known clouds with what the settings say of them, then those of the user's own."""
    return {name: _merged(name, settings) for name in dict.fromkeys((*KNOWN, *settings.providers))}


def twin(model: str, settings: Settings) -> str:
    """What Ollama calls a model of this machine; empty where it has none."""
    name = model.partition("?")[0].partition(":")[0]
    return settings.ollama.models.get(model) or settings.ollama.models.get(name) or TWINS.get(name, "")


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
