"""Who is on which node, as far as anybody is."""

import sys

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.pool.nodes.occupancy import Occupancy
from tests.unit.server.pool.model_workers import alone


def test_of_a_worker_that_is_on_no_node_any_more_nothing_is_kept() -> None:
    occupancy, worker = Occupancy(), alone(Resolved(LoadModel("m", "echo")))
    before = sys.getrefcount(worker)
    worker.node, worker.reserved = "a", 1
    occupancy.moved(worker)
    assert list(occupancy.on("a")) == [worker]
    worker.node, worker.reserved = "", 0
    occupancy.moved(worker)
    assert not occupancy.on("a")
    assert sys.getrefcount(worker) == before
