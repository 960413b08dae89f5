"""The best model for a machine, and why that one. Pure: the machine is described to it."""

from collections.abc import Iterable
from typing import NamedTuple

from ai_pal.catalog.choosing.host import REST, Host
from ai_pal.catalog.choosing.speed import tokens_per_second
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel, Variant

LADDER = (
    *("qwen3.6:27b", "qwen3.6:35b", "gemma4:26b", "gemma4:12b", "qwen3.5:9b", "qwen3.5:4b"),
    *("qwen3.5:2b", "qwen3.5:0.8b"),
)
"""General models, the best answers first: for a conversation, in many languages, all free to use."""

COMFORT = 5.0
"""Tokens a second: slower than this a reader waits for the writer."""

DISK_REST = 5_000_000_000
"""Bytes of the disk that are left alone."""


class Best(NamedTuple):
    """The model, how many tokens a second it will write, and why no better one."""

    entry: KnownModel
    variant: Variant
    speed: float
    reason: str


def ladder() -> tuple[KnownModel, ...]:
    """The models of the catalog that are offered, the best first."""
    return tuple(CATALOG[name] for name in LADDER)


def best(models: Iterable[KnownModel], host: Host) -> Best | None:
    """The first of `models` that this machine holds and that writes as fast as people read; None: no one."""
    above = ""
    for entry in models:
        variant = entry.variants[0]
        speed = tokens_per_second(entry, variant, host)
        obstacle = _obstacle(variant, speed, host)
        if not obstacle:
            return Best(entry, variant, speed, above or "the best one that AI-PAL knows")
        above = f"the next better one, {entry.name}, {obstacle}"
    return None


def _obstacle(variant: Variant, speed: float, host: Host) -> str:
    """Why a model is none for this machine, "" where it is."""
    if not host.installed.issuperset(variant.needs):
        return f"needs {', '.join(sorted(set(variant.needs) - host.installed))}, which is not installed"
    if variant.memory > host.memory * REST:
        return f"needs {variant.memory / 1e9:.1f} GB of memory, and {host.memory / 1e9:.1f} GB are here"
    if variant.size + DISK_REST > host.disk:
        return f"needs {variant.size / 1e9:.1f} GB of the disk, and {host.disk / 1e9:.1f} GB are free"
    if speed < COMFORT:
        return f"would write {speed:.1f} tokens a second, which is slower than people read"
    return ""
