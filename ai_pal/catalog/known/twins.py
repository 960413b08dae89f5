"""What Ollama calls the models that we know: models of a family as we do, older ones by a table."""

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.families import FAMILY_MODELS
from ai_pal.catalog.known.names import entry_of
from ai_pal.config import Settings

TWINS = {
    "phi-2": "phi",
    "phi-3": "phi3",
    "llama3.2": "llama3.2",
    "tinyllama": "tinyllama",
    "smollm2": "smollm2:135m",
} | {entry.name: entry.name for entry in FAMILY_MODELS}


def twin(model: str, settings: Settings) -> str:
    """What Ollama calls a model of this machine; empty where it has none."""
    whole = model.partition("?")[0]
    name = whole.partition(":")[0]
    known = entry_of(whole)
    own, there = settings.ollama.models, TWINS.get(known[0].name if known else name, "")
    return own.get(model) or own.get(whole) or own.get(name) or there


def window_at_ollama(model: str) -> int:
    """Tokens that a known model was made for, by its name at Ollama; 0 for others."""
    return next((CATALOG[name].context for name, there in TWINS.items() if there == model), 0)
