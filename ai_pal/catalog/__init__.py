"""The models AI-PAL knows by name, and how a reference becomes something a worker can load.

A reference is a known name (`smollm2`, `phi-2:4bit`), a repository on the hub (`org/name[@revision]`,
`org/name:Q4_K_M` for a GGUF in it), an alias from `[models.NAME]`, or the path of a GGUF file or a
model folder, with engine options behind a question mark (`echo?load_seconds=1&slots=4`).
"""

from ai_pal.catalog import files, hub_cache, layout, used
from ai_pal.catalog.choose import Capacity, choose
from ai_pal.catalog.entries import CATALOG
from ai_pal.catalog.finding import default_model, find, keep_alive, meant, own_settings
from ai_pal.catalog.found import Found, artifact_path
from ai_pal.catalog.hub_cache import cache_dir
from ai_pal.catalog.model import KnownModel, Variant
from ai_pal.catalog.reference import absolute, join, split, with_adapters
from ai_pal.catalog.refusals import not_found, not_here, too_large
from ai_pal.catalog.resolve import resolve

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
    "files",
    "find",
    "hub_cache",
    "join",
    "keep_alive",
    "layout",
    "meant",
    "not_found",
    "not_here",
    "own_settings",
    "resolve",
    "split",
    "too_large",
    "used",
    "with_adapters",
]
