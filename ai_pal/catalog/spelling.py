"""Names of models as people type them: as Ollama does, in any case, and with `:latest` or without."""

from ai_pal.catalog import stores
from ai_pal.catalog.known import entry_of, family
from ai_pal.catalog.reference import hub_files
from ai_pal.config import Settings

LATEST = ":latest"


def spelled(name: str, settings: Settings) -> str:
    """The name as lists have it; one that is written exactly so, by the user or by another program, is meant
    as it is."""
    plain = name.lower().removesuffix(LATEST)
    known = bool(entry_of(plain) or family(plain))
    if name in settings.models or not plain or (known and plain == name):
        return name
    if (own := next((one for one in settings.models if one.lower() == plain), None)) is not None:
        return own
    of_hub = name.endswith(LATEST) and hub_files(name) is not None  # no quantization is called so
    if not of_hub and (not known or "/" in name):
        return name
    if stores.named(name, settings):
        return name
    return name.removesuffix(LATEST) if of_hub else plain
