"""Stores that are folders of GGUF files: LM Studio, Jan, GPT4All, llama.cpp's own cache."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ai_pal.catalog.stores.places import Place, places
from ai_pal.catalog.stores.stored import Stored
from ai_pal.catalog.weights.ggufs import is_projector, projector, quant
from ai_pal.formats.gguf_parts import part_paths

_MANIFEST = "manifest="
_UNSPEAKABLE = re.compile(r"[^A-Za-z0-9._-]+|--+")
_MOST_FILES = 10_000
"""Of one store: a folder that leads elsewhere is not walked for ever."""


def models(environ: Mapping[str, str] = os.environ) -> Iterator[Stored]:
    """One for each whole model; its parts are one."""
    for place in places(environ):
        with contextlib.suppress(OSError):
            yield from _models(place)


def _models(place: Place) -> Iterator[Stored]:
    repositories = _repositories(place.folder) if place.store == "llama.cpp" else {}
    seen, called = 0, set[str]()
    for folder, folders, names in os.walk(place.folder):
        where = Path(folder)
        above = where.relative_to(place.folder).parts
        folders[:] = sorted(folders) if len(above) < place.depth else []
        seen += len(names)
        if seen > _MOST_FILES:
            return
        for name in sorted(names):
            path = where / name
            if not name.lower().endswith(".gguf") or is_projector(name) or not _is_first_and_whole(path):
                continue
            known = repositories.get(name) or _name(above, name)
            if known in called:  # of two that differ in nothing else
                known = f"{known.partition(':')[0]}:{_speakable(name)}"
            called.add(known)
            size = sum(part.stat().st_size for part in part_paths(path))
            beside = _of_same_repository(name, names) if name in repositories else _beside(names)
            sees = str(where / beside) if beside else ""
            yield Stored(place.store, known, str(path), size, projector=sees)


def _name(above: Sequence[str], name: str) -> str:
    """`publisher/model:Q4_K_M` by the folders, as on the hub; a file on its own by its name."""
    if not above:
        return _speakable(name[: -len(".gguf")])
    form = quant(name)
    inside = "/".join(map(_speakable, above[-2:]))
    return f"{inside}:{form}" if form and not inside.lower().endswith(form.lower()) else inside


def _speakable(name: str) -> str:
    """As part of a reference: without blanks and the like."""
    return _UNSPEAKABLE.sub("-", name).strip("-.") or "model"


def _repositories(folder: Path) -> dict[str, str]:
    """File names of llama.cpp's flat cache as names of the hub: its manifests name the repositories, of which
    files are called `ORG_REPO_FILE`."""
    known = [path.name for path in folder.glob(f"{_MANIFEST}*=*=*.json")]
    found: dict[str, str] = {}
    for manifest in known:
        org, repo = manifest.removeprefix(_MANIFEST).split("=")[:2]
        for path in folder.glob("*.gguf"):
            begin = f"{org}_{repo}_"
            if path.name.startswith(begin):
                form = quant(path.name)
                found[path.name] = f"{org}/{repo}:{form or path.name.removeprefix(begin)}"
    return found


def _is_first_and_whole(path: Path) -> bool:
    try:
        parts = part_paths(path)
    except ValueError:
        return False
    return parts[0] == path and all(part.is_file() for part in parts)  # what is no part stands alone


def _beside(names: Sequence[str]) -> str:
    """The projector in a folder with one model; of several nobody can tell whose it is."""
    models = [name for name in names if name.lower().endswith(".gguf") and not is_projector(name)]
    return projector(names) or "" if len(models) == 1 else ""


def _of_same_repository(name: str, names: Sequence[str]) -> str:
    """The projector in a flat cache whose name begins as the model's does: `ORG_REPO_`."""
    return projector(one for one in names if name.startswith(one.partition("mmproj")[0])) or ""
