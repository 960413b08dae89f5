"""Names of models as people type them: as Ollama does, in any case, and with `:latest` or without."""

from fnmatch import fnmatchcase

from ai_pal.catalog import stores
from ai_pal.catalog.known.names import entry_of, family
from ai_pal.catalog.references.text import hub_files
from ai_pal.config import Settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import LATEST, short


def spelled(name: str, settings: Settings) -> str:
    """The name as lists have it; one that is written exactly so, by the user or by another program, is meant
    as it is."""
    plain = short(name.lower())
    known = bool(entry_of(plain) or family(plain))
    if name in settings.models or not plain or (known and plain == name):
        return name
    if (own := next((one for one in settings.models if one.lower() == plain), None)) is not None:
        return own
    if not known and (pattern := _pattern(plain, settings)):
        return pattern
    of_hub = name.endswith(LATEST) and "/" in plain and hub_files(name) is not None  # none is quantized so
    if not of_hub and (not known or "/" in plain):
        return name
    if stores.named(name, settings):
        return name
    return name.removesuffix(LATEST) if of_hub else plain


def _pattern(name: str, settings: Settings) -> str:
    """The user's own name with `*` in it that means this one, the one that says most of it; "" for none.
    Paths, repositories and models of providers are meant as they are."""
    found = [one for one in settings.models if "*" in one and fnmatchcase(name, one.lower())]
    if not found or "/" in name or elsewhere(name, provider_names(settings)) is not None:
        return ""
    return max(found, key=lambda one: (len(one.replace("*", "")), one))
