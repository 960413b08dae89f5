"""Model names as people write them in Python, as references of the catalog."""

from pathlib import Path

from ai_pal.catalog import CATALOG, absolute, split
from ai_pal.catalog.references.text import hub_files, join
from ai_pal.config import Settings
from ai_pal.protocol.wanted import HubFiles


def reference(name: str, settings: Settings, cwd: Path) -> str:
    """`microsoft/phi-2` is the catalog's `phi-2`: the variant that fits this machine is chosen. A name
    with a revision or with settings of its own stays; relative paths are made absolute."""
    bare, options = split(name)
    wanted = hub_files(bare)
    if wanted is None:
        return absolute(name, cwd, settings)
    if bare in settings.models or wanted.revision:
        return name
    known = _known(wanted)
    return join(known, options) if known else name


def _known(wanted: HubFiles) -> str:
    """The catalog's name for this repository; a GGUF must be one of its variants."""
    for entry in CATALOG.values():
        if HubFiles(wanted.repo) in [variant.wanted for variant in entry.variants]:
            if not wanted.gguf:
                return entry.name
            return f"{entry.name}:{wanted.gguf}" if entry.variant(wanted.gguf) else ""
    return ""
