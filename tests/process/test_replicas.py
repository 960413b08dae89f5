"""Two real workers of one model under a real supervisor."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.client import WorkerStatus
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, until
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, gone

Supervise = Callable[..., Supervised]


@pytest.fixture
def client(supervise: Supervise, ai_pal_home: Path) -> Iterator[Client]:
    """Of a supervisor with two replicas of echo, each with one slot, both ready."""
    config = ai_pal_home / "config.toml"
    config.write_text("[models.echo]\nreplicas = 2\nslots = 1\n")
    with supervise(config=config).client() as client:
        list(client.load("echo"))
        eventually(lambda: [one.state for one in replicas(client)] == ["ready", "ready"])
        yield client


def replicas(client: Client) -> list[WorkerStatus]:
    return [one for one in client.status().workers if one.asked_as == "echo"]


def test_two_answer_at_once_and_nobody_who_waits_loses_by_the_death_of_one(client: Client) -> None:
    first = ask(client)
    heard = until(iter(first), wire.Delta)
    begun = ask(client, prefill_seconds=600)
    eventually(lambda: [one.active for one in replicas(client)] == [1, 1])
    waits = client.chat(PROMPT, model="echo")
    eventually(lambda: [one.queued for one in replicas(client)] == [1, 0])

    other = replicas(client)[1]
    assert other.pid is not None
    os.kill(other.pid, signal.SIGKILL)
    notice = until(iter(begun), wire.Notice)[-1]
    assert isinstance(notice, wire.Notice)
    assert notice.kind == "retry"
    first.cancel()  # the slot for one of the two; the other one comes back for the other
    end_of(list(waits), wire.Done)
    heard += list(first)
    end_of(heard, wire.Cancelled)
    assert_exact_prefix(heard)
    begun.cancel()
    end_of(list(begun), wire.Cancelled)


def test_a_second_turn_goes_to_who_has_read_the_first_and_an_unload_takes_all(client: Client) -> None:
    busy = ask(client)
    until(iter(busy), wire.Delta)
    question, few = Message("user", "one two"), GenerationOptions(extra={"tokens": 2})
    said = client.chat([question], model="echo", options=few).answer().text
    busy.cancel()
    end_of(list(busy), wire.Cancelled)
    eventually(lambda: [one.active for one in replicas(client)] == [0, 0])

    turns = [question, Message("assistant", said), Message("user", "three")]
    client.chat(turns, model="echo", options=few).answer()
    assert [(one.model, one.requests) for one in replicas(client)] == [("echo", 1), ("echo#2", 2)]

    pids = [one.pid or 0 for one in replicas(client)]
    assert sorted(client.unload("echo")) == ["echo", "echo#2"]
    assert all(gone(pid) for pid in pids)
    assert replicas(client) == []
