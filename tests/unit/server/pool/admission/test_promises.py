"""What is promised to a model: what it needs, and at first what many conversations may add.

The latter only where there is room."""

from itertools import pairwise

import pytest

from ai_pal.protocol import client as wire
from ai_pal.server.pool.running.pool import MEMORY_LOOK_INTERVAL
from tests.simulation.memory_world import CAPACITY, UNIT, Host, Machine

HEADROOM = 7 * UNIT


def calm() -> tuple[Machine, Host]:
    machine = Machine(1, {"half": 50, "rest": 48, "all": 98})
    machine.dice.random = lambda: 0.5  # type: ignore[method-assign]
    return machine, Host(machine)


def reserved(host: Host) -> dict[str, int]:
    return {status.model: status.reserved for status in host.supervisor.statuses()}


def test_the_first_load_is_promised_what_many_conversations_may_add() -> None:
    machine, host = calm()
    host.load("half")
    machine.run(5.0)
    assert reserved(host) == {"half": 50 * UNIT + HEADROOM}


@pytest.mark.parametrize("model", ["all"])
def test_no_load_is_refused_for_want_of_it(model: str) -> None:
    machine, host = calm()
    host.load(model)
    machine.run(5.0)
    assert reserved(host) == {model: CAPACITY}


def test_nobody_goes_for_it_and_after_an_answer_it_is_given_back() -> None:
    machine, host = calm()
    host.chat("half")
    machine.run(15.0)
    assert reserved(host) == {"half": 50 * UNIT}
    host.load("rest")
    machine.run(18.0)
    assert reserved(host) == {"half": 50 * UNIT, "rest": 50 * UNIT}


def test_memory_is_looked_at_after_the_first_answer_then_seldom_and_before_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, host = calm()
    looks: list[float] = []
    monkeypatch.setattr(
        host, "learn", lambda *_, resident=0, **_more: looks.append(machine.now) if not resident else None
    )
    for answer in range(1, 7):  # each takes five seconds
        host.chat("half")
        machine.run(6.0 * answer + 10.0)
    seen = len(looks)
    assert 1 < seen < 6
    assert min(later - before for before, later in pairwise(looks)) >= MEMORY_LOOK_INTERVAL
    host.chat("half")
    machine.run(52.0)
    host.supervisor.unload(b"c", wire.Unload(1000, "half"))
    machine.run(60.0)
    assert len(looks) == seen + 1
