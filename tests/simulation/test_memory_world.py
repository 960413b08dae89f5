"""Two supervisors on one machine: memory is never overspent, and every request still ends once."""

import random

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy
from ai_pal.server.pool.lifecycle import Phase
from tests.simulation.memory_world import CAPACITY, UNIT, Host, Machine

SIZES = {
    "tiny": 10, "small": 25, "half": 50, "big": 80, "all": 100, "huge": 120, "pinned": 15,
    "spared": 40, "spared2": 50,
}  # fmt: skip
SEEDS, SHORT_SEEDS = range(30), range(1000, 1020)
ACTIVE, HORIZON = 60.0, 400.0


def play(seed: int, hosts: int = 2, max_loaded: int = 0, *, shortages: int = 0) -> tuple[Machine, list[Host]]:
    """A minute of random chats and loads, then quiet. `memory_oracle` looks on."""
    dice = random.Random(seed)
    machine = Machine(seed, SIZES, low=10 * UNIT if shortages else 0)
    every = [Host(machine, max_loaded) for _ in range(hosts)]
    models = [model for model in SIZES if model != "pinned" or shortages]
    for _ in range(80):
        host, model = dice.choice(every), dice.choice(models)
        act = host.chat if dice.random() < 0.7 else host.load
        machine.after(dice.uniform(0, ACTIVE), lambda act=act, model=model: act(model))  # type: ignore[misc]
    for _ in range(shortages):
        begin, size = dice.uniform(0, ACTIVE), dice.randrange(0, 100) * UNIT
        machine.after(begin, lambda size=size: machine.others_take(size))  # type: ignore[misc]
    machine.after(ACTIVE + 20.0, lambda: machine.others_take(0))
    machine.run(HORIZON)
    for host in every:
        promised = machine.rows[host].promised if host in machine.rows else 0
        staying = host.supervisor.pool.warm_pool.spare or host.supervisor.pool.find("pinned")
        assert staying or not promised, f"seed {seed}"
        host.supervisor.shutdown(1.0)  # takes the spare worker along
    machine.run(HORIZON + 10.0)
    return machine, every


@pytest.mark.parametrize("seed", SEEDS)
def test_memory_is_never_overspent_and_every_request_ends_once(seed: int) -> None:
    machine, hosts = play(seed)
    assert machine.fullest <= CAPACITY, f"seed {seed}"
    for host in hosts:
        assert [len(ends) for ends in host.ends.values()] == [1] * len(host.ends), f"seed {seed}"
        assert all(
            model_worker.state.phase in (Phase.GONE, Phase.FAILED) for model_worker in host.supervisor.pool
        )
    assert machine.taken == 0


@pytest.mark.parametrize("seed", SHORT_SEEDS)
def test_a_machine_that_gets_short_is_relieved_and_every_request_ends_once(seed: int) -> None:
    machine, hosts = play(seed, shortages=8)
    for host in hosts:
        assert [len(ends) for ends in host.ends.values()] == [1] * len(host.ends), f"seed {seed}"
    assert machine.taken == 0


def test_the_worlds_are_hard_enough() -> None:
    evictions = [play(seed, shortages=8)[0].evictions for seed in SHORT_SEEDS[:5]]
    assert sum(evictions) > 10


def test_what_fits_alone_is_answered_often_and_what_never_fits_never() -> None:
    answered, refused = 0, 0
    for seed in SEEDS[:20]:
        for host in play(seed, hosts=1)[1]:
            for ends in host.ends.values():
                if isinstance(ends[0], wire.Failed):
                    refused += ends[0].reasons[0].code == Code.INSUFFICIENT_MEMORY
                else:
                    answered += 1
    assert answered > refused > 0


@pytest.mark.parametrize("seed", range(10))
def test_never_more_models_than_allowed(seed: int) -> None:
    dice = random.Random(seed)
    machine = Machine(seed, dict.fromkeys("abcdef", 5))
    host = Host(machine, max_loaded=2)
    most = 0

    def act() -> None:
        nonlocal most
        host.chat(dice.choice("abcdef"))
        most = max(most, len(machine.processes))

    for _ in range(60):
        machine.after(dice.uniform(0, ACTIVE), act)
    machine.run(HORIZON)
    assert 0 < most <= 2
    assert all(len(ends) == 1 for ends in host.ends.values())


def test_a_shortage_takes_idle_models_least_recently_used_first_and_spares_pinned_ones() -> None:
    machine = Machine(3, SIZES)
    machine.dice.random = lambda: 0.5  # type: ignore[method-assign]
    host = Host(machine)
    for when, model in enumerate(("pinned", "tiny", "small")):
        machine.after(when * 3.0, lambda model=model: host.load(model))  # type: ignore[misc]
    machine.run(15.0)
    assert sorted(process.model for process in machine.processes) == ["pinned", "small", "tiny"]
    admission = host.supervisor.pool.admission._admission
    assert isinstance(admission, Admission)
    admission._policy = MemoryPolicy(low=55 * UNIT)
    machine.run(18.0)
    assert sorted(process.model for process in machine.processes) == ["pinned", "small"]


def calm(seed: int) -> tuple[Machine, Host]:
    """Nothing goes wrong here, and nothing takes long."""
    machine = Machine(seed, SIZES)
    machine.dice.random = lambda: 0.5  # type: ignore[method-assign]
    return machine, Host(machine)


def test_a_spare_worker_is_taken_over_by_the_next_load_of_its_engine() -> None:
    machine, host = calm(1)
    host.load("spared")
    machine.run(10.0)
    spare = host.supervisor.pool.warm_pool.spare
    assert spare is not None
    host.load("spared2")
    machine.run(20.0)
    model_worker = host.supervisor.pool.find("spared2")
    assert model_worker is not None
    assert model_worker.identity == spare.identity
    assert [len(ends) for ends in host.ends.values()] == [1, 1]


def test_the_spare_worker_is_given_up_before_any_model() -> None:
    machine, host = calm(1)
    host.load("spared")
    machine.run(10.0)
    assert host.supervisor.pool.warm_pool.spare is not None
    host.load("half")
    machine.run(20.0)
    assert sorted(process.model for process in machine.processes) == ["half", "spared"]


def test_no_spare_worker_where_it_would_take_the_room_of_others() -> None:
    machine, host = calm(1)
    host.load("half")
    machine.run(10.0)
    host.load("spared")
    machine.run(20.0)
    assert host.supervisor.pool.warm_pool.spare is None
    assert sorted(process.model for process in machine.processes) == ["half", "spared"]
