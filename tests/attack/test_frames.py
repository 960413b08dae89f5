"""Fuzzed frames to every reader, 25 seconds in all; AI_PAL_FUZZ_SECONDS is how long for each. `scripts/fuzz`
does it for an hour (promise 13)."""

import os
import random

import pytest

from tests.attack.fuzz import fuzz
from tests.attack.targets import TARGETS, Target

SECONDS = float(os.environ.get("AI_PAL_FUZZ_SECONDS", "2.5"))
SEED = int(os.environ.get("AI_PAL_CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))


@pytest.mark.timeout(300 + SECONDS * 2)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_frame_does_harm(target: Target) -> None:
    print(f"AI_PAL_CHAOS_SEED={SEED}")
    assert fuzz(target, SECONDS, SEED) > 0
