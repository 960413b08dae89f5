"""Files that options of a load name beside its model: adapters, a draft, what it sees with, a template."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai_pal.catalog.references.text import FILES
from ai_pal.formats import adapters, drafts
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.formats.projector import OFF


def named_beside(options: Mapping[str, Any]) -> list[str]:
    """Their paths, as they are named; of an adapter in peft's layout its folder."""
    said = [str(options.get(name, "")) for name in FILES]
    files = [path for path in (*said, drafts.named(options)) if path not in ("", OFF)]
    return [*files, *(str(adapter.path) for adapter in adapters.adapters_in(options))]


def files_at(path: Path) -> list[Path]:
    """What a load reads of one of them. Raises ValueError as `part_paths`."""
    return adapters.Adapter(path).files if path.is_dir() else part_paths(path)


def moved(options: Mapping[str, Any], there: Mapping[str, str]) -> dict[str, Any]:
    """The same options where what lies at a path lies at another: `there` has the new ones by the old."""
    found = dict(options)
    for name in (*FILES, drafts.OPTION):
        if found.get(name) in there:
            found[name] = there[found[name]]
    if adapters.OPTION in found:
        found[adapters.OPTION] = [
            one._replace(path=Path(there.get(str(one.path), one.path))).text
            for one in adapters.adapters_in(options)
        ]
    return found
