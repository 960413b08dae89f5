"""Names of models for who chooses one: what is here, in whatever store, before what can be fetched."""

from typing import NamedTuple

from ai_pal.catalog.inventory import Listed, inventory
from ai_pal.config import Settings

HERE = ("verified", "here", "elsewhere")


class Known(NamedTuple):
    """What is `here` can be asked at once; what is only `known` can be fetched by name."""

    here: list[Listed]
    known: list[Listed]

    @property
    def names(self) -> list[str]:
        return [one.name for one in (*self.here, *self.known)]


def known_models(settings: Settings) -> Known:
    """As the disk says now."""
    found = inventory(settings)
    return Known(
        [one for one in found if one.state in HERE],
        [one for one in found if one.state == "not here" and one.source != "config"],
    )


def named(listed: Listed) -> str:
    """The name, and what people may not know of it: what it stands for, which program keeps it."""
    ours = listed.source.startswith(("package ", "hub ")) or listed.source in ("", "config")
    return listed.name if ours else f"{listed.name} ({listed.source})"
