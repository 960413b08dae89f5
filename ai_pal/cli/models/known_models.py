"""Names of models for who chooses one: what is here, in whatever store, before what can be fetched."""

from typing import NamedTuple

from ai_pal.catalog.inventory.listed import Listed, inventory
from ai_pal.config import Settings
from ai_pal.counted import counted

MOST_NAMED = 30
"""Models that are named in one remark."""

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


def in_words(settings: Settings) -> list[str]:
    """What is here, and how to see the rest: a line each."""
    known = known_models(settings)
    here, rest = [named(one) for one in known.here], counted(len(known.known), "more model")
    more = f" and {len(here) - MOST_NAMED} more (ai-pal list)" if len(here) > MOST_NAMED else ""
    return [
        f"here: {', '.join(here[:MOST_NAMED])}{more}" if here else "no model is here yet",
        f"{rest} can be fetched with /model NAME; their names: ai-pal list --all",
    ]
