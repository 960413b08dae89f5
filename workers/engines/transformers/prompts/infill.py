"""How models are asked to fill in text between two others: marks that their tokenizers have for it. Pure."""

from collections.abc import Container

import msgspec


class Infill(msgspec.Struct, frozen=True):
    """The marks of one family, and whether what comes behind the gap is told first."""

    prefix: str
    suffix: str
    middle: str
    suffix_first: bool = False

    def arrange(self, before: str, behind: str) -> list[str]:
        """The prompt after which the model writes what belongs in between."""
        if self.suffix_first:
            return [self.suffix, behind, self.prefix, before]
        return [self.prefix, before, self.suffix, behind, self.middle]


FAMILIES = (
    Infill("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    Infill("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    Infill("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    Infill("<\uff5cfim▁begin\uff5c>", "<\uff5cfim▁hole\uff5c>", "<\uff5cfim▁end\uff5c>"),
    Infill("▁<PRE>", "▁<SUF>", "▁<MID>"),
    Infill("[PREFIX]", "[SUFFIX]", "", suffix_first=True),
)


def marks_of(vocabulary: Container[str]) -> Infill | None:
    """The family whose marks are all in the vocabulary."""
    for one in FAMILIES:
        if all(mark in vocabulary for mark in (one.prefix, one.suffix, one.middle) if mark):
            return one
    return None
