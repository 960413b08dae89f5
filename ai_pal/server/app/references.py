"""Model references for the supervisor: what to load for one, and what to fetch."""

import os

from ai_pal import catalog
from ai_pal.catalog import files, used
from ai_pal.catalog.resolved import Resolved
from ai_pal.config import Settings
from ai_pal.errors import Code, fail
from ai_pal.server.services.download import Plan


def load_of(reference: str, settings: Settings) -> Resolved:
    """What a worker is told to load. Raises `AiPalError`."""
    reference = reference or catalog.default_model(settings)
    load = catalog.resolve(reference, settings)
    size = files.size_of(load.path) if load.path else 0
    pinned = catalog.pinned(reference, settings)
    file = os.path.realpath(load.path) if load.path else ""
    return Resolved(load, size, catalog.own_keep_alive(reference, settings), pinned, file)


def is_used(resolved: Resolved, settings: Settings) -> None:
    """From now on the model counts as used."""
    if resolved.load.path:
        used.touch(resolved.load.path, settings)


def plan_of(reference: str, settings: Settings) -> Plan:
    """What a pull of this reference brings. Raises `AiPalError`."""
    found = catalog.find(reference, settings)
    if found.is_here and not found.path:
        fail(Code.MODEL_INVALID, f"{found.name} is built in: there is nothing to pull")
    unsure = isinstance(found.wanted, catalog.Artifact) and not found.verified
    return Plan(
        found.name,
        str(catalog.cache_dir(settings)),
        found.wanted,
        "" if unsure else found.path,
        found.size,
        found.variant,
        found.reason,
        found.commit,
    )
