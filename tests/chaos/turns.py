"""The turns of a proof: what is played, in which order, and the share of one of several sites."""

import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from tests.chaos.report import Report

T = TypeVar("T")
SIGN_OF_LIFE = 30.0
"""Seconds between two lines that tell how far it is."""


class Share(msgspec.Struct, frozen=True):
    """Every so many turns, counted from `site` on, 0 the first; none begins at or after `until`, which is a
    time of the monotonic clock that all processes of a machine share."""

    site: int = 0
    sites: int = 1
    until: float = math.inf


ALONE = Share()


def in_turn(dice: random.Random, things: Sequence[T], count: int) -> list[T]:
    """So many of these, each as often as the others, in random order."""
    return [one for _ in range(-(-count // len(things))) for one in dice.sample(things, len(things))][:count]


def turns(report: Report, share: Share, dice: random.Random, things: Sequence[T], count: int) -> Iterator[T]:
    """This share of so many turns: all sites deal alike, so that together each has its turn as often as the
    others. Tells now and then how far it is."""
    dealt = list(enumerate(in_turn(dice, things, count), 1))[share.site :: share.sites]
    if share.site:
        dice.seed(f"{report.seed}, site {share.site}")
    begun = said = time.monotonic()
    flaws = 0
    for report.played, (report.round, thing) in enumerate(dealt):
        now = time.monotonic()
        if now >= share.until:
            return
        if now - said >= SIGN_OF_LIFE or len(report.broken) > flaws:
            said, new, flaws = now, report.broken[flaws:], len(report.broken)
            told = f"site {share.site + 1}: {report.played} of {len(dealt)} rounds in {now - begun:.0f} s"
            print("\n".join([told, *(f"  BROKEN {claim}" for claim in new)]), file=sys.stderr, flush=True)
        yield thing
    report.played = len(dealt)
