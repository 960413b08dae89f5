"""The models AI-PAL knows by name, and how a reference becomes something a worker can load.

A reference is a known name (`smollm2`, `phi-2:4bit`), a repository on the hub (`org/name[@revision]`,
`org/name:Q4_K_M` for a GGUF in it), an alias from `[models.NAME]`, or the path of a GGUF file or a
model folder, with engine options behind a question mark (`echo?load_seconds=1&slots=4`).
"""

from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.catalog.choosing.choose import Capacity, choose
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel, Variant
from ai_pal.catalog.references.finding import default_model, find, keep_alive, meant, own_settings
from ai_pal.catalog.references.found import Found, artifact_path
from ai_pal.catalog.references.refusals import not_found, not_here, too_large
from ai_pal.catalog.references.resolve import resolve
from ai_pal.catalog.references.text import absolute, join, split, with_adapters

__all__ = [
    "CATALOG",
    "Capacity",
    "Found",
    "KnownModel",
    "Variant",
    "absolute",
    "artifact_path",
    "cache_dir",
    "choose",
    "default_model",
    "find",
    "join",
    "keep_alive",
    "meant",
    "not_found",
    "not_here",
    "own_settings",
    "resolve",
    "split",
    "too_large",
    "with_adapters",
]
