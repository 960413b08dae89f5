"""Where other programs keep their models, by their own rules."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ai_pal.config.paths import user_home

__all__ = ["Place", "places", "user_home"]


class Place(NamedTuple):
    """A folder with GGUF files, `depth` folders deep at most."""

    store: str
    folder: Path
    depth: int


def places(environ: Mapping[str, str] = os.environ) -> Iterator[Place]:
    """The folders that may hold models, there or not."""
    home = user_home(environ)
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    if sys.platform == "darwin":
        data = config = home / "Library/Application Support"
        cache = home / "Library/Caches"
    for folder in (home / ".lmstudio/models", home / ".cache/lm-studio/models"):
        yield Place("LM Studio", folder, 2)
    for folder in (data / "Jan/data", config / "Jan/data", home / "jan"):
        yield Place("Jan", folder / "llamacpp/models", 2)
        yield Place("Jan", folder / "models", 2)
    yield Place("GPT4All", data / "nomic.ai/GPT4All", 0)
    yield Place("llama.cpp", Path(environ.get("LLAMA_CACHE") or cache / "llama.cpp"), 0)
