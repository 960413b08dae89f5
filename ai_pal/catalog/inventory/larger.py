"""Which models on this disk are larger than another: they may know what that one does not."""

from ai_pal.catalog.inventory.listed import inventory
from ai_pal.config import Settings

MOST = 8
"""Models that are looked at."""


def larger_than(name: str, size: int, settings: Settings) -> list[str]:
    """The names of models that are here, whole and at least half as large again as `size` bytes, the largest
    first; other names of one count once."""
    found: dict[str, tuple[int, str]] = {}
    for one in inventory(settings):
        if one.state in ("verified", "here") and one.size >= 1.5 * size > 0 and one.name != name:
            found.setdefault(one.path or one.name, (one.size, one.name))
    return [model for _, model in sorted(found.values(), reverse=True)[:MOST]]
