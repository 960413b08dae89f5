"""Memory for models: what a load needs, what this machine has, and whether it may have it."""

from ai_pal.memory.decision import (
    Admit,
    Claims,
    Decision,
    Evict,
    Refuse,
    Resident,
    Use,
    Wait,
    Want,
    claims,
    decide,
    fewest,
    gigabytes,
    relieve,
    room,
)

__all__ = [
    "Admit",
    "Claims",
    "Decision",
    "Evict",
    "Refuse",
    "Resident",
    "Use",
    "Wait",
    "Want",
    "claims",
    "decide",
    "fewest",
    "gigabytes",
    "relieve",
    "room",
]
