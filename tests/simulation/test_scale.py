"""A larger cluster: all is placed and answers, and at rest nobody is taken for lost; what that costs tells
`scripts/simulate --nodes 1000 --workers 5000`."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_pal.memory import spread
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission import placing
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.nodes import occupancy
from tests.simulation.scale_world import Scale

NODES, WORKERS, REPLACED = 30, 100, 5

ATTENDED = 3
"""Times that a worker is looked at for what may be due of it, while it is placed and loads."""

COUNTED = 8
"""Times that the workers of its node are counted, while it is placed and loads."""

LOOKED_AT = 2
"""Nodes whose cards are looked at closely for one load, where there is room."""

DECIDED = 12
"""Nodes on which is decided for one load for which another has to go: it asks until that has gone."""


def test_all_workers_are_placed_where_there_is_room_and_nobody_is_taken_for_lost() -> None:
    world = Scale(NODES, WORKERS)
    world.place()
    world.rest(5.0)
    assert world.loaded == WORKERS
    assert not world.lost
    placed = [worker.node for worker in world.supervisor.pool]
    assert max(placed.count(node) for node in placed) <= 2 * WORKERS // NODES


def test_of_nodes_with_cards_few_are_looked_at_closely(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What lies on a card is decided node by node, which is much for each."""
    looks = 0
    real = placing.place

    def counted(*what: Any) -> placing.Placed:
        nonlocal looks
        looks += 1
        return real(*what)

    monkeypatch.setattr(placing, "place", counted)
    world = Scale(NODES, WORKERS, cards=tmp_path)
    world.place()
    assert world.loaded == WORKERS
    assert not world.lost
    assert looks <= LOOKED_AT * WORKERS
    looks = 0
    world.replace(REPLACED)
    assert world.loaded == WORKERS + REPLACED
    assert looks <= DECIDED * REPLACED


def test_what_is_done_for_one_worker_is_no_work_for_each_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls are counted, and no seconds: with thousands of workers each placement and each tick that looked
    through all of them would hold up all answers."""
    calls = Counter[str]()

    def counts(owner: object, name: str, of: Callable[..., bool] = lambda *what: True) -> None:
        real = getattr(owner, name)

        def counted(*what: object, **more: object) -> object:
            calls[name] += of(*what)
            return real(*what, **more)

        monkeypatch.setattr(owner, name, counted)

    counts(lifecycle, "step", lambda state, event, now, policy: isinstance(event, lifecycle.Tick))
    counts(ModelWorker, "serves")
    counts(spread, "decide")
    counts(occupancy, "resident")
    world = Scale(NODES, WORKERS)
    world.place()
    assert calls["serves"] <= WORKERS
    assert calls["decide"] <= 2 * WORKERS
    assert calls["resident"] <= COUNTED * WORKERS * WORKERS // NODES
    assert calls["step"] <= ATTENDED * WORKERS
    calls.clear()
    world.rest(5.0)
    assert calls["step"] <= WORKERS // 10, "all are looked at, though nothing is due of any"
    assert not calls["resident"]
    calls.clear()
    world.replace(REPLACED)
    assert world.loaded == WORKERS + REPLACED
    assert len(world.ended) == REPLACED
    assert calls["decide"] <= DECIDED * REPLACED
