"""A larger cluster: all is placed and answers, and at rest nobody is taken for lost; what that costs tells
`scripts/simulate --nodes 1000 --workers 5000`."""

from tests.simulation.scale_world import Scale

NODES, WORKERS = 30, 100


def test_all_workers_are_placed_where_there_is_room_and_nobody_is_taken_for_lost() -> None:
    world = Scale(NODES, WORKERS)
    world.place()
    world.rest(5.0)
    assert world.loaded == WORKERS
    assert not world.ended
    placed = [worker.node for worker in world.supervisor.pool]
    assert max(placed.count(node) for node in placed) <= 2 * WORKERS // NODES
