"""Random loads and reaps within a control group of 2 GiB: the kernel never has to kill."""

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.messages import client as wire
from tests.chaos.memory_group import memory_group
from tests.process.answers import PROMPT, ask
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised, status_of

ROUNDS = int(os.environ.get("AI_PAL_CHAOS_ROUNDS", "20"))
SEED = int(os.environ.get("AI_PAL_CHAOS_SEED", random.randrange(1 << 32)))
LIMIT = 2 << 30
CLIENTS = 3
SIZES = (50, 200, 400, 700, 1000, 1400, 1900, 3000)
FINE = {Code.INSUFFICIENT_MEMORY, Code.UNLOADED}

Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(ai_pal_home: Path) -> Iterator[Supervise]:
    """Starts `ai-pal supervise` with the settings given; ends it afterwards."""
    with ExitStack() as started:
        yield lambda **settings: started.enter_context(Supervised(environment(ai_pal_home), **settings))


def act(client: Client, dice: random.Random) -> str:
    """One step of a sequence; what came of it."""
    model = f"echo?id={dice.randrange(2)}&leak_mb={dice.choice(SIZES)}"
    try:
        match dice.randrange(4):
            case 0:
                client.unload(model if dice.random() < 0.7 else "")
                return "unloaded"
            case 1:
                list(client.load(model, keep_alive=dice.choice([0, 0.2, 60])))
                return "loaded"
            case _:
                end = list(ask(client, model, tokens=dice.randrange(1, 30)))[-1]
                if isinstance(end, wire.Failed):
                    raise AiPalError(end.reasons[-1])
                assert isinstance(end, wire.Done), end
                return "answered"
    except AiPalError as error:
        if error.code not in FINE:
            raise
        return str(error.code)


@pytest.mark.timeout(60 + ROUNDS * 10)
def test_random_loads_and_reaps_never_run_the_group_out_of_memory(supervise: Supervise) -> None:
    print(f"AI_PAL_CHAOS_SEED={SEED} AI_PAL_CHAOS_ROUNDS={ROUNDS}")
    outcomes: Counter[str] = Counter()
    errors: list[BaseException] = []

    def sequences(daemon: Supervised, number: int) -> None:
        dice = random.Random(SEED + number)
        try:
            with daemon.client() as client:
                for _ in range(number, ROUNDS, CLIENTS):
                    outcomes.update(act(client, dice) for _ in range(dice.randrange(2, 6)))
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread below
            errors.append(error)

    with memory_group(LIMIT) as group:
        with group.entered():
            daemon = supervise(memory_low="200MB", memory_wait=20)
        threads = [threading.Thread(target=sequences, args=(daemon, n)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        daemon.terminate(within=20)
        killed = group.killed()
    print(dict(outcomes))
    assert not errors, errors
    assert killed == 0
    assert outcomes["answered"]
    assert outcomes[Code.INSUFFICIENT_MEMORY]


@pytest.mark.timeout(90)
def test_idle_models_go_early_when_another_program_takes_the_memory(supervise: Supervise) -> None:
    hog = "import sys; held = bytearray(b'\\1') * (1300 << 20); print('held', flush=True); sys.stdin.read()"
    with memory_group(LIMIT) as group:
        with group.entered():
            daemon = supervise(memory_low="500MB")
        with daemon.client() as client:
            for name in ("old", "new"):
                list(client.load(f"echo?id={name}&leak_mb=200"))
            client.ask(PROMPT, model="echo?id=new&leak_mb=200")
            with group.entered():
                pipe = subprocess.PIPE
                other = subprocess.Popen([sys.executable, "-c", hog], stdin=pipe, stdout=pipe)
            try:
                assert other.stdout is not None
                assert other.stdout.readline() == b"held\n"
                eventually(lambda: status_of(client, "echo?id=old&leak_mb=200") is None, within=10)
            finally:
                other.communicate()
            assert status_of(client, "echo?id=new&leak_mb=200") is not None
        (line,) = daemon.logged("model_evicted")
        assert "the machine is short of memory" in line["reason"]
        daemon.terminate(within=20)
        assert group.killed() == 0
