"""When models leave memory: by idleness, by request, never while busy."""

import os
from collections.abc import Callable
from pathlib import Path

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, end_of, until
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, gone, pid_of, status_of

Supervise = Callable[..., Supervised]
NEVER = -1


def unloads_in(client: Client) -> float | None:
    status = status_of(client)
    assert status is not None
    return status.unloads_in


def test_zero_unloads_right_after_the_answer(supervise: Supervise) -> None:
    with supervise().client() as client:
        client.ask(PROMPT, model="echo", keep_alive=0)
        eventually(lambda: status_of(client) is None)


def test_minus_one_never_unloads(supervise: Supervise) -> None:
    with supervise(keep_alive=0).client() as client:
        client.ask(PROMPT, model="echo", keep_alive=NEVER)
        assert unloads_in(client) is None


def test_the_default_is_the_setting(supervise: Supervise) -> None:
    with supervise(keep_alive="1h").client() as client:
        client.ask(PROMPT, model="echo")
        left = unloads_in(client)
        assert left is not None
        assert 3590 < left <= 3600


def test_a_model_has_its_own(supervise: Supervise, ai_pal_home: Path) -> None:
    config = ai_pal_home / "config.toml"
    config.write_text('[models.echo]\nkeep_alive = "2h"\n')
    with supervise(config=config).client() as client:
        client.ask(PROMPT, model="echo")
        left = unloads_in(client)
        assert left is not None
        assert 7190 < left <= 7200


def test_the_latest_said_wins(supervise: Supervise) -> None:
    with supervise().client() as client:
        client.ask(PROMPT, model="echo", keep_alive=60)
        client.ask(PROMPT, model="echo", keep_alive=NEVER)
        assert unloads_in(client) is None
        client.ask(PROMPT, model="echo", keep_alive=0)
        eventually(lambda: status_of(client) is None)


def test_a_load_says_it_too_also_for_what_is_loaded(supervise: Supervise) -> None:
    with supervise().client() as client:
        list(client.load("echo", NEVER))
        assert unloads_in(client) is None
        list(client.load("echo", 0))
        eventually(lambda: status_of(client) is None)


def test_idle_time_counts_from_the_end_and_gives_the_memory_back(supervise: Supervise) -> None:
    with supervise(keep_alive=0.2).client() as client:
        stream = ask(client, tokens=60, leak_mb=64)
        events = until(iter(stream), wire.Delta)
        worker = pid_of(client)
        events += list(stream)
        end_of(events, wire.Done)
        eventually(lambda: status_of(client) is None)
        assert gone(worker)


def test_a_loading_model_is_not_reaped(supervise: Supervise) -> None:
    with supervise(keep_alive=0.05).client() as client:
        events = list(ask(client, "echo?load_seconds=0.5", tokens=5))
        end_of(events, wire.Done)
        assert len([event for event in events if isinstance(event, wire.Started)]) == 1


def test_an_idle_conversation_pins_nothing(supervise: Supervise) -> None:
    with supervise(keep_alive=0.1).client() as client:
        for _ in range(2):
            client.ask(PROMPT, model="echo")
            eventually(lambda: status_of(client) is None)


def test_unload_drains_what_is_busy(supervise: Supervise) -> None:
    daemon = supervise()
    with daemon.client() as client, daemon.client() as other:
        stream = ask(client, tokens=40)
        events = until(iter(stream), wire.Delta)
        worker = pid_of(client)
        assert other.unload("echo") == ["echo"]
        assert gone(worker)
        events += list(stream)
        end_of(events, wire.Done)


def test_a_request_during_the_drain_gets_a_fresh_worker(supervise: Supervise) -> None:
    with supervise().client() as client:
        stream = ask(client)
        until(iter(stream), wire.Delta)
        worker = pid_of(client)
        client._exchange.begin(wire.Unload(1000, "echo"))  # goes on while others ask
        eventually(lambda: (status := status_of(client)) and status.state == "draining")
        waits = client.chat(PROMPT, model="echo")
        stream.cancel()  # which ends the drain
        end_of(list(stream), wire.Cancelled)
        assert waits.answer().text == PROMPT + " "
        assert pid_of(client) != worker


def test_unload_all_takes_every_model(supervise: Supervise) -> None:
    daemon = supervise()
    with daemon.client() as client:
        for model in ("echo", "echo?id=2"):
            list(client.load(model))
        assert sorted(client.unload()) == ["echo", "echo?id=2"]
    assert not daemon.workers()


def test_a_worker_gone_by_another_hand_is_loaded_again(supervise: Supervise) -> None:
    with supervise().client() as client:
        client.ask(PROMPT, model="echo")
        os.kill(pid_of(client), 9)
        eventually(lambda: status_of(client) is None)
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "
