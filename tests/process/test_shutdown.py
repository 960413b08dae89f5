"""The end of the supervisor: by SIGTERM clean within 5 s (promise 17), by SIGKILL without survivors (4)."""

import signal
import subprocess
import sys
from collections.abc import Callable
from subprocess import PIPE

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from tests.process import states
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, slow, until
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ
from tests.process.supervised import Supervised

Supervise = Callable[..., Supervised]
STOP_SECONDS = 5.0
SURVIVAL_SECONDS = 1.0
OK, KILLED = 0, -signal.SIGKILL


WITH_WORKERS = [
    states.starting, states.loading, states.loading_with_the_gil_held, states.decoding,
    states.holding_the_gil, states.draining, states.stopping,
]  # fmt: skip


@pytest.fixture
def nurseries() -> tuple[str, ...]:
    """The death of a parent is looked at."""
    return ()


@pytest.fixture
def daemon(supervise: Supervise) -> Supervised:
    return supervise(drain_seconds=0.3, log_level="debug")


@pytest.mark.parametrize("state", states.ALL_STATES)
def test_sigterm_ends_everything_in_time(daemon: Supervised, state: states.State) -> None:
    with daemon.client() as client:
        state(daemon, client, "it")
        assert daemon.terminate(allowed(STOP_SECONDS)) == OK
    assert daemon.nothing_is_left()


@pytest.mark.parametrize("state", WITH_WORKERS)
def test_no_worker_outlives_a_killed_supervisor(daemon: Supervised, state: states.State) -> None:
    with daemon.client() as client:
        state(daemon, client, "it")
        daemon.process.kill()
        assert daemon.process.wait() == KILLED
        eventually(lambda: not daemon.workers(), within=allowed(SURVIVAL_SECONDS))


def test_sigterm_lets_a_running_answer_end(supervise: Supervise) -> None:
    daemon = supervise(drain_seconds=20)
    with daemon.client() as client:
        stream = ask(client, tokens=40)
        events = until(iter(stream), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        events += list(stream)
        end_of(events, wire.Done)
        assert daemon.process.wait(allowed(STOP_SECONDS)) == OK


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
        assert daemon.process.wait(allowed(STOP_SECONDS)) == OK


def test_while_it_stops_new_requests_are_refused(supervise: Supervise) -> None:
    daemon = supervise(drain_seconds=600)
    with daemon.client() as client:
        until(iter(ask(client)), wire.Delta)
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: daemon.logged("stop_signal"))
        refused = list(client.chat(PROMPT, model="echo", options=slow()))
        assert end_of(refused, wire.Failed).reasons[0].code == Code.SHUTTING_DOWN
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(allowed(STOP_SECONDS)) == OK


def test_a_chat_that_meets_its_end_starts_another(supervise: Supervise, home: Environ) -> None:
    daemon = supervise(drain_seconds=600)
    with daemon.client() as client:
        stream = ask(client)
        until(iter(stream), wire.Delta)
        client.stop()
        command = [sys.executable, "-P", "-m", "ai_pal", "chat", PROMPT]
        chat = subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE)
        eventually(lambda: client.status().clients == 2)
    out, err = chat.communicate(timeout=allowed(STOP_SECONDS))
    assert (chat.returncode, out.decode().strip(), err) == (OK, PROMPT, b"")
    assert daemon.process.wait(allowed(STOP_SECONDS)) == OK


def test_a_client_that_does_not_read_does_not_hold_up_the_end(daemon: Supervised) -> None:
    with daemon.client() as client:
        for _ in range(20):
            ask(client, chunk=100_000, pace=0.001)
        eventually(daemon.workers)
        assert daemon.terminate(allowed(STOP_SECONDS)) == OK
