"""Which names of models a list of patterns means: `qwen3*`, `openai:*`. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ai_pal.config.model_names import short


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether one of the patterns means this name, in any case and with `:latest` or without; without any
    pattern each name is meant. Options behind the name (`NAME?context=512`) say nothing of who it is."""
    plain = _plain(name.partition("?")[0])
    return not patterns or any(fnmatchcase(plain, _plain(pattern)) for pattern in patterns)


def _plain(name: str) -> str:
    return short(name.strip().lower())
