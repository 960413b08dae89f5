"""How known models are called: `qwen3.5`, `qwen3.5:4b`, and with a quantization `qwen3.5:4b:q8_0`."""

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.families import FAMILIES
from ai_pal.catalog.known.model import KnownModel, Variant, gguf_memory
from ai_pal.catalog.weights.ggufs import bits, is_quant
from ai_pal.config import Settings
from ai_pal.protocol.wanted import HubFiles

SIZED = {
    "smollm2:135m": "smollm2",
    "tinyllama:1.1b": "tinyllama",
    "phi-2:2.7b": "phi-2",
    "phi-3:3.8b": "phi-3",
    "llama3.2:3b": "llama3.2",
}
"""Names with their size of models that are listed without it."""

_OVERHEAD = 0.6
"""Bits of scales per weight, by rule of thumb."""


def entry_of(name: str) -> tuple[KnownModel, str] | None:
    """The model that a name means, and the variant that it asks for, "" for none in particular."""
    for known, variant in ((name, ""), _apart(name)):
        entry = CATALOG.get(SIZED.get(known, known))
        if entry is not None:
            return entry, variant
    return None


def is_own(name: str, settings: Settings) -> bool:
    """Whether the user gave this name to a model: it hides a known one of that name."""
    own = settings.models.get(name)
    return own is not None and bool(own.path or own.model)


def is_known(name: str) -> bool:
    """Whether it names one of the known models, or a variant of one."""
    entry, variant = entry_of(name) or (None, "")
    return entry is not None and (not variant or variant_of(entry, variant) is not None)


def plain(name: str, settings: Settings) -> str:
    """A name with its size as lists have it, without: unless the user's own name hides that."""
    short = SIZED.get(name, name)
    return name if is_own(short, settings) else short


def unhidden(name: str, settings: Settings) -> str:
    """What a known model is called where the user's own name hides its usual one: with its size."""
    if not is_own(name, settings):
        return name
    return next((sized for sized, short in SIZED.items() if short == name), name)


def family(name: str) -> tuple[KnownModel, ...]:
    """The models of a family, the largest first; empty where this is no family's name."""
    members = [CATALOG[member] for member in FAMILIES.get(name, ())]
    return tuple(sorted(members, key=lambda entry: -entry.parameters))


def variant_of(entry: KnownModel, name: str) -> Variant | None:
    """The variant of that name; another quantization of the repository that its GGUF comes from, its size by
    its bits."""
    named = entry.variant(name)
    if named is not None or not is_quant(name):
        return named
    for variant in entry.variants:
        if isinstance(variant.wanted, HubFiles) and variant.wanted.gguf:
            wanted = HubFiles(variant.wanted.repo, gguf=name)
            size = gguf_size(entry.parameters, name)
            return Variant(name.lower(), variant.engine, wanted, size, gguf_memory(size, 0), variant.needs)
    return None


def gguf_size(parameters: int, quant: str) -> int:
    """About how many bytes a GGUF of this quantization has."""
    return int(parameters * (bits(quant) + _OVERHEAD) / 8)


def _apart(name: str) -> tuple[str, str]:
    known, _, variant = name.rpartition(":")
    return known, variant
