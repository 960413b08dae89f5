"""A node of a cluster that a real `ssh` reaches: placed there, answered, ended."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ai_pal.cluster import agent
from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, end_of, until
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, status_of, words_of
from tests.servers import sshd

pytestmark = pytest.mark.skipif(not sshd.is_here(), reason="needs an SSH server")


def agents(box: sshd.SecondMachine) -> list[psutil.Process]:
    """None while others there come and go."""
    with suppress(psutil.Error):
        return [process for process in box.relays() if agent.__name__ in words_of(process)]
    return []


def runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_worker_is_placed_over_ssh_answers_and_ends(
    ai_pal_home: Path, supervise: Callable[..., Supervised]
) -> None:
    with sshd.SecondMachine() as box:
        file = ai_pal_home / "config.toml"
        file.write_text(f"[cluster]\nengine = \"command\"\n[cluster.nodes]\nbox = '''{box.python}'''\n")
        cluster = supervise(config=file)
        with cluster.client() as client:
            assert client.ask(PROMPT, model="echo").text
            status = status_of(client)
            assert status is not None
            assert status.node == "box"
            there = eventually(lambda: agents(box))
            workers = [child for process in there for child in process.children()]
            assert workers
            events = iter(ask(client))
            begun = until(events, wire.Delta)
            box.kill_sessions()
            reason = end_of([*begun, *events], wire.Interrupted).reason
            assert "the worker was lost: its agent on node box" in reason.message
            assert "memory" not in reason.message + reason.hint, "its agent has ended it"
            assert client.ask(PROMPT, model="echo").text
            there = eventually(lambda: agents(box))
            workers = [child for process in there for child in process.children()]
            client.unload("echo")
            eventually(lambda: not any(map(runs, [*there, *workers])))
