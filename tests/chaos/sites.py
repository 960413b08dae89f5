"""Plays a proof, at one site or at several side by side: each is a process with a home, a network and a
supervisor of its own, which plays its share of the turns."""

import multiprocessing
import random
import shutil
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from tests.chaos.laboratory import Laboratory
from tests.chaos.proofs import PROOFS
from tests.chaos.report import Report
from tests.chaos.turns import ALONE, Share


def run(promise: str, rounds: int, seed: int, slack: float = 1.0, share: Share = ALONE) -> Report:
    """Play one proof, at all sites of this share: what they saw together."""
    play = partial(_play, promise, rounds, seed, slack)
    if share.sites == 1:
        return play(share)
    shares = [msgspec.structs.replace(share, site=site) for site in range(share.sites)]
    with ProcessPoolExecutor(share.sites, multiprocessing.get_context("spawn")) as pool:
        first, *others = pool.map(play, shares)
    for other in others:
        first.add(other)
    return first


def _play(promise: str, rounds: int, seed: int, slack: float, share: Share) -> Report:
    """Play a share of one proof, in a home of its own."""
    proof = PROOFS[promise]
    report = Report(proof.title, seed, rounds, slack)
    home = Path(tempfile.mkdtemp(prefix="ai-pal-chaos-", dir="/tmp"))
    begun = time.monotonic()
    try:
        with Laboratory(home, report, share, **proof.settings) as lab:
            proof.prove(lab, random.Random(seed), rounds)
    except Exception as error:  # noqa: BLE001 whatever it was, the others' share is told too
        traceback.print_exc()
        report.expect(False, f"the run broke off: {error!r}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.figures["seconds"] = round(time.monotonic() - begun, 1)
    return report
