"""Each proof of `scripts/chaos` at a small size, with time limits for a machine that does other things too.

AI_PAL_CHAOS_SEED repeats a run."""

import os
import random

import pytest

from tests.chaos.proofs import PROOFS
from tests.chaos.sites import run
from tests.process.eventually import busy

SEED = int(os.environ.get("AI_PAL_CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))
SLACK = 5.0
"""Times how busy this machine is."""


@pytest.mark.parametrize("promise", [name for name, proof in PROOFS.items() if proof.small])
def test_the_promises_hold_in_a_small_run(promise: str) -> None:
    if not PROOFS[promise].can_run() and not os.environ.get("CI"):
        pytest.skip("this machine has not what it takes")
    report = run(promise, PROOFS[promise].small, SEED, SLACK * busy())
    print(f"scripts/chaos --promise {promise} --seed {SEED}\n{report.text()}")
    assert report.good, report.broken
