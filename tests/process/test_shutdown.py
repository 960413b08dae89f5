"""The end of the supervisor: by SIGTERM clean within 5 s (promise 17), by SIGKILL without survivors (4)."""

import os
import signal
from collections.abc import Callable

import pytest

from ai_pal.client import Client
from ai_pal.errors import Code
from ai_pal.messages import client as wire
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, slow, until
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, status_of

pytestmark = pytest.mark.timeout(60)

Supervise = Callable[..., Supervised]
Busy = Callable[[Supervised, Client], None]
STOP_SECONDS = 5.0
SURVIVAL_SECONDS = 1.0
GIL_HELD = "holding the GIL, as asked"
OK, KILLED = 0, -signal.SIGKILL


def idle(daemon: Supervised, client: Client) -> None:
    assert daemon.process.poll() is None
    assert client.welcome.pid == daemon.process.pid


def starting(daemon: Supervised, client: Client) -> None:
    client.send(wire.Load(1000, "echo"))
    eventually(daemon.workers)


def loading(daemon: Supervised, client: Client) -> None:
    until(iter(client.chat(PROMPT, model="echo?load_seconds=600")), wire.Loading)
    assert daemon.workers()


def loading_with_the_gil_held(daemon: Supervised, client: Client) -> None:
    client.send(wire.Load(1000, "echo?load_hold_gil=600"))
    eventually(lambda: daemon.logged("engine_output", line=GIL_HELD))


def decoding(daemon: Supervised, client: Client) -> None:
    until(iter(ask(client)), wire.Delta)
    assert daemon.workers()


def prefilling(daemon: Supervised, client: Client) -> None:
    ask(client, prefill=600)
    eventually(lambda: (status := status_of(client)) and status.active)
    assert daemon.workers()


def holding_the_gil(daemon: Supervised, client: Client) -> None:
    ask(client, hold_gil_at=1)
    eventually(lambda: daemon.logged("engine_output", line=GIL_HELD))


def stopped_by_a_signal(daemon: Supervised, client: Client) -> None:
    decoding(daemon, client)
    for worker in daemon.workers():
        os.kill(worker, signal.SIGSTOP)


def backing_off(daemon: Supervised, client: Client) -> None:
    client.send(wire.Load(1000, "echo?load_exit=1"))
    eventually(lambda: daemon.logged("worker_phase", phase="backing-off"))


def queueing(daemon: Supervised, client: Client) -> None:
    until(iter(ask(client, "echo?slots=1")), wire.Delta)
    until(iter(ask(client, "echo?slots=1")), wire.Queued)
    assert daemon.workers()


def stopping(daemon: Supervised, client: Client) -> None:
    decoding(daemon, client)
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: daemon.logged("stop_signal"))


ALL_STATES = [
    idle, starting, loading, loading_with_the_gil_held, decoding, prefilling, holding_the_gil,
    stopped_by_a_signal, backing_off, queueing, stopping,
]  # fmt: skip
WITH_WORKERS = [starting, loading, loading_with_the_gil_held, decoding, holding_the_gil, stopping]


@pytest.fixture
def daemon(supervise: Supervise) -> Supervised:
    return supervise(drain_seconds=0.3, log_level="debug")


@pytest.mark.parametrize("state", ALL_STATES)
def test_sigterm_ends_everything_in_time(daemon: Supervised, state: Busy) -> None:
    with daemon.client() as client:
        state(daemon, client)
        assert daemon.terminate(STOP_SECONDS) == OK
    assert daemon.nothing_is_left()


@pytest.mark.parametrize("state", WITH_WORKERS)
def test_no_worker_outlives_a_killed_supervisor(daemon: Supervised, state: Busy) -> None:
    with daemon.client() as client:
        state(daemon, client)
        daemon.process.kill()
        assert daemon.process.wait() == KILLED
        eventually(lambda: not daemon.workers(), within=SURVIVAL_SECONDS)


def test_sigterm_lets_a_running_answer_end(supervise: Supervise) -> None:
    daemon = supervise(drain_seconds=20)
    with daemon.client() as client:
        stream = ask(client, tokens=40)
        events = until(iter(stream), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        events += list(stream)
        end_of(events, wire.Done)
        assert daemon.process.wait(STOP_SECONDS) == OK


def test_after_the_drain_time_answers_are_interrupted(daemon: Supervised) -> None:
    with daemon.client() as client:
        stream, waiting = ask(client, "echo?slots=1"), ask(client, "echo?slots=1")
        events = until(iter(stream), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        events += list(stream)
        assert end_of(events, wire.Interrupted).reason.code == Code.SHUTTING_DOWN
        assert_exact_prefix(events)
        assert end_of(list(waiting), wire.Failed).reasons[0].code == Code.SHUTTING_DOWN


def test_a_second_signal_interrupts_at_once(supervise: Supervise) -> None:
    daemon = supervise(drain_seconds=600)
    with daemon.client() as client:
        stream = ask(client)
        events = until(iter(stream), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: daemon.logged("stop_signal"))
        daemon.process.send_signal(signal.SIGINT)
        events += list(stream)
        end_of(events, wire.Interrupted)
        assert daemon.process.wait(STOP_SECONDS) == OK


def test_while_it_stops_new_requests_are_refused(supervise: Supervise) -> None:
    daemon = supervise(drain_seconds=600)
    with daemon.client() as client:
        until(iter(ask(client)), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: daemon.logged("stop_signal"))
        refused = list(client.chat(PROMPT, model="echo", options=slow()))
        assert end_of(refused, wire.Failed).reasons[0].code == Code.SHUTTING_DOWN
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(STOP_SECONDS) == OK


def test_a_client_that_does_not_read_does_not_hold_up_the_end(daemon: Supervised) -> None:
    with daemon.client() as client:
        for _ in range(20):
            ask(client, chunk=100_000, pace=0.001)
        eventually(daemon.workers)
        assert daemon.terminate(STOP_SECONDS) == OK
