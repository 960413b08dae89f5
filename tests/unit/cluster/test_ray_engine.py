"""What Ray has not told as free yet is waited for, and nothing else."""

import threading
import time

import pytest

from ai_pal.protocol.cluster import Ticket
from tests.servers import ray_cluster


@pytest.mark.skipif(not ray_cluster.is_here(), reason="Ray is not here: scripts/setup --dev")
@pytest.mark.parametrize(("refused", "waits"), [(True, False), (False, True)])
def test_only_an_agent_that_was_there_has_something_to_give_back(*, refused: bool, waits: bool) -> None:
    from ai_pal.cluster import ray_engine

    engine = object.__new__(ray_engine.RayEngine)  # no head is needed for this
    engine._lock, engine._closed = threading.RLock(), threading.Event()
    engine._closed.set()  # nobody hears of it
    engine._agents, engine._given_back_by = {}, {}
    placed = ray_engine._Placed(Ticket("w", "gpu", "", "", need=9), 0.0)
    engine._end(placed, "why", refused=refused)
    assert (engine._given_back_by.get("gpu", 0.0) > time.monotonic()) is waits
