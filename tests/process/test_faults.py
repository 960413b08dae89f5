"""Real workers that die, hang or crawl under a real supervisor (promises 1, 3, 5 and 10)."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from ai_pal.client import Client
from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, slow, text_of, until
from tests.process.eventually import allowed, eventually
from tests.process.supervised import Supervised, gone, pid_of, status_of

Supervise = Callable[..., Supervised]
END_SECONDS = 1.0
MAX_CRASHES = 5
ONE_ROUND = PROMPT + " "


def answers(client: Client) -> bool:
    return client.ask(PROMPT, model="echo").text == ONE_ROUND


def test_a_suspended_machine_finds_its_worker_again(supervise: Supervise) -> None:
    daemon = supervise(beat_timeout=2)
    with daemon.client() as client:
        events = iter(ask(client))
        heard = until(events, wire.Delta)
        worker = pid_of(client)
        for pid in (worker, daemon.process.pid):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.0)  # longer than its budget
        os.kill(daemon.process.pid, signal.SIGCONT)
        assert client.status().uptime < 3600  # it runs again, and the worker does not yet
        os.kill(worker, signal.SIGCONT)
        for _ in range(200):
            heard += until(events, wire.Delta)
        assert pid_of(client) == worker
        assert_exact_prefix(heard)


@pytest.mark.parametrize("token", [2, 13])
def test_a_worker_that_dies_in_mid_answer_interrupts_with_the_exact_prefix(
    supervise: Supervise, token: int
) -> None:
    with supervise().client() as client:
        events = list(ask(client, kill_at=token, pace=0.03))
        end = end_of(events, wire.Interrupted)
        assert end.reason.code == Code.WORKER_DIED
        assert_exact_prefix(events)
        assert end.usage.completion_tokens == len(text_of(events).split()) <= token


def test_the_end_comes_within_a_second_of_the_death(supervise: Supervise) -> None:
    with supervise().client() as client:
        stream = ask(client)
        events = until(iter(stream), wire.Delta)
        os.kill(pid_of(client), signal.SIGKILL)
        died = time.monotonic()
        events += list(stream)
        assert time.monotonic() - died < allowed(END_SECONDS)
        assert "SIGKILL" in end_of(events, wire.Interrupted).reason.message
        assert_exact_prefix(events)
        assert answers(client)


def test_every_request_of_a_dead_worker_ends_once(supervise: Supervise) -> None:
    with supervise().client() as client:
        streams = [ask(client, pace=0.005) for _ in range(20)]
        heard = [until(iter(stream), wire.Delta) for stream in streams]
        os.kill(pid_of(client), signal.SIGKILL)
        for stream, events in zip(streams, heard, strict=True):
            events += list(stream)
            end_of(events, wire.Interrupted)
            assert_exact_prefix(events)


def test_a_death_before_the_first_content_costs_one_retry(supervise: Supervise) -> None:
    with supervise().client() as client:
        stream = ask(client, tokens=5, pace=0, prefill_seconds=1.0)
        first = pid_of(client)
        eventually(lambda: (status := status_of(client)) and status.active)
        os.kill(first, signal.SIGKILL)
        events = list(stream)
        end_of(events, wire.Done)
        assert [event.kind for event in events if isinstance(event, wire.Notice)] == ["retry"]
        assert text_of(events) == ONE_ROUND
        assert pid_of(client) != first


def test_a_second_death_before_the_first_content_fails(supervise: Supervise) -> None:
    with supervise().client() as client:
        events = list(ask(client, kill_at=0))
        end_of(events, wire.Failed)
        assert len([event for event in events if isinstance(event, wire.Notice)]) == 1


def test_a_crash_loop_ends_in_failed_with_the_last_words_while_a_neighbour_streams(
    supervise: Supervise,
) -> None:
    daemon = supervise()
    with daemon.client() as client, daemon.client() as other:
        neighbour = ask(client, "echo?id=neighbour", pace=0.02)
        heard = until(iter(neighbour), wire.Delta)
        reason = end_of(list(other.chat(PROMPT, model="echo?load_exit=1")), wire.Failed).reasons[-1]
        assert (reason.code, reason.retryable) == (Code.MODEL_FAILED, True)
        assert reason.retry_after
        assert "as asked" in reason.detail
        starts = daemon.logged("worker_phase", model="echo?load_exit=1", phase="starting")
        assert len(starts) == MAX_CRASHES
        again = end_of(list(other.chat(PROMPT, model="echo?load_exit=1")), wire.Failed)
        assert again.reasons[-1].code == Code.MODEL_FAILED
        neighbour.cancel()
        heard += list(neighbour)
        end_of(heard, wire.Cancelled)
        assert_exact_prefix(heard)
        assert len(daemon.logged("worker_phase", model="echo?load_exit=1", phase="starting")) == MAX_CRASHES


def test_what_will_never_load_is_tried_once(supervise: Supervise) -> None:
    daemon, model = supervise(), "echo?load_fail=no+such+thing"
    with daemon.client() as client:
        reason = end_of(list(client.chat(PROMPT, model=model)), wire.Failed).reasons[-1]
    assert "no such thing" in reason.message
    assert len(daemon.logged("worker_phase", model=model, phase="starting")) == 1


@pytest.mark.parametrize(
    ("fault", "budget", "why"),
    [
        ("block_at", "beat_timeout", "no sign of life"),
        ("hold_gil_at", "beat_timeout", "no sign of life"),
        ("hang_at", "engine_stall", "no step"),
    ],
)
def test_a_hung_worker_is_noticed_and_replaced(
    supervise: Supervise, fault: str, budget: str, why: str
) -> None:
    with supervise(**{budget: 2.5}).client() as client:
        stream = ask(client, **{fault: 20})
        events = until(iter(stream), wire.Delta)
        hung = pid_of(client)
        events += list(stream)
        reason = end_of(events, wire.Interrupted).reason
        assert reason.code == Code.WORKER_HUNG
        assert why in reason.message
        assert_exact_prefix(events)
        assert answers(client)
        assert pid_of(client) != hung
        assert gone(hung)


def test_a_stopped_worker_is_noticed_and_replaced(supervise: Supervise) -> None:
    with supervise(beat_timeout=2).client() as client:
        stream = ask(client)
        events = until(iter(stream), wire.Delta)
        hung = pid_of(client)
        os.kill(hung, signal.SIGSTOP)
        events += list(stream)
        assert end_of(events, wire.Interrupted).reason.code == Code.WORKER_HUNG
        assert_exact_prefix(events)
        assert answers(client)
        assert gone(hung)


def test_an_idle_worker_that_is_stopped_is_replaced_too(supervise: Supervise) -> None:
    with supervise(beat_timeout=2).client() as client:
        assert answers(client)
        hung = pid_of(client)
        os.kill(hung, signal.SIGSTOP)
        eventually(lambda: gone(hung))
        assert answers(client)


def test_a_load_that_hangs_is_noticed(supervise: Supervise) -> None:
    daemon, model = supervise(load_stall=1), "echo?load_hang=true"
    with daemon.client() as client:
        stream = client.chat(PROMPT, model=model)
        eventually(lambda: daemon.logged("worker_phase", model=model, phase="killing"), within=allowed(4))
        stream.cancel()
        end_of(list(stream), wire.Cancelled)


def test_a_slow_load_a_slow_prefill_and_a_slow_answer_are_left_alone(supervise: Supervise) -> None:
    daemon = supervise(load_stall=1, engine_stall=2.5)
    with daemon.client() as client:
        stream = client.chat(PROMPT, model="echo?load_seconds=2", options=slow(tokens=5, prefill_seconds=3.0))
        events = list(stream)
        end_of(events, wire.Done)
        progress = [event.progress for event in events if isinstance(event, wire.Loading)]
        assert progress == sorted(progress)
        assert len(progress) >= 5
    assert not daemon.logged("worker_phase", phase="killing")
