"""Another program takes the memory of a control group: idle models go before the kernel has to kill."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.memory_group import memory_group
from tests.process.answers import PROMPT
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised, status_of

Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(ai_pal_home: Path) -> Iterator[Supervise]:
    """Starts `ai-pal supervise` with the settings given; ends it afterwards."""
    with ExitStack() as started:
        yield lambda **settings: started.enter_context(Supervised(environment(ai_pal_home), **settings))


def test_idle_models_go_early_when_another_program_takes_the_memory(supervise: Supervise) -> None:
    hog = "import sys; held = bytearray(b'\\1') * (1300 << 20); print('held', flush=True); sys.stdin.read()"
    with memory_group(2 << 30) as group:
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
                eventually(lambda: status_of(client, "echo?id=old&leak_mb=200") is None, within=60)
            finally:
                other.communicate()
            assert status_of(client, "echo?id=new&leak_mb=200") is not None
        (line,) = daemon.logged("model_evicted")
        assert "the machine is short of memory" in line["reason"]
        daemon.terminate(within=60)
        assert group.killed() == 0
