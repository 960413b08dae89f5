"""Made-up graphics cards for real processes: their Python finds `sitecustomize` here, which says what there
is in place of the driver."""

from pathlib import Path

CARDS = "MADE_UP_CARDS"
"""The variable that has them: `UUID:GIGABYTES`, with commas between."""


def environment(cards: str, engines: str = "llamacpp") -> dict[str, str]:
    """What a process needs to see these, on which these engines compute."""
    if not cards:
        return {CARDS: ""}
    return {"PYTHONPATH": str(Path(__file__).parent), CARDS: cards, "MADE_UP_ENGINES": engines}
