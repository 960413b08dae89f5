"""What a judgement looks like."""

import msgspec


class Feature(msgspec.Struct, frozen=True):
    """One thing about a prompt and how far it moved the score, in log-odds; positive is harder."""

    name: str
    weight: float


class Scored(msgspec.Struct, frozen=True):
    """A score in [0, 1] and the features that moved it most, the strongest first."""

    score: float
    features: list[Feature]
