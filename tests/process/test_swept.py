"""A run directory that is swept under a running supervisor: each of its files deleted or replaced, at each
moment of its life. It listens there again, or leaves; the next chat works (promises 4, 15 and 17)."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.client.daemon import connect
from ai_pal.config import load_settings, paths
from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from tests.process import states
from tests.process.answers import PROMPT
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.process.homes import Environ, listens
from tests.process.supervised import Supervised, gone, workers_in

OK = 0
WITHIN = 30.0
FRONT, WORKERS, LOCK = "front.sock", "workers.sock", "supervisor.lock"
IMPATIENT = (
    "-c",
    """import sys
from ai_pal.server.app import sweeping
from ai_pal.__main__ import main
sweeping.PATIENCE_SECONDS, sweeping.LOOK_SECONDS = 0.0, 0.2
sys.exit(main())""",
)
"""The command with less patience: what takes it ten seconds is seen at once."""

Blow = Callable[[Path], None]


def removed(name: str) -> Blow:
    return lambda folder: (folder / name).unlink(missing_ok=True)


def replaced_by_a_socket(name: str) -> Blow:
    """By one on which nobody listens any more."""

    def strike(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(folder / name))

    return strike


def replaced_lock(folder: Path) -> None:
    (folder / LOCK).unlink(missing_ok=True)
    (folder / LOCK).touch()


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def replaced_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir(mode=0o755)


def moved_away(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    shutil.rmtree(folder.with_name("away"))


BLOWS: dict[str, Blow] = {
    "front removed": removed(FRONT),
    "front replaced": replaced_by_a_socket(FRONT),
    "workers removed": removed(WORKERS),
    "workers replaced": replaced_by_a_socket(WORKERS),
    "lock removed": removed(LOCK),
    "lock replaced": replaced_lock,
    "folder emptied": emptied,
    "folder removed": shutil.rmtree,
    "folder replaced": replaced_folder,
    "folder moved away": moved_away,
}
MOMENTS = [states.idle, states.starting, states.loading, states.decoding]


def struck(daemon: Supervised, strike: Blow) -> None:
    """In one step, as the supervisor sees it: what is half done would be a blow of its own."""
    process = psutil.Process(daemon.process.pid)
    process.suspend()
    eventually(lambda: process.status() == psutil.STATUS_STOPPED)
    strike(daemon.run_dir)
    process.resume()


def inodes(folder: Path) -> dict[str, int]:
    try:
        return {path.name: path.lstat().st_ino for path in folder.iterdir()}
    except FileNotFoundError:
        return {}


def supervise_impatient(home: Environ) -> Supervised:
    return Supervised(home, IMPATIENT, drain_seconds=0.3, log_level="debug")


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_listens_again_and_nothing_under_way_is_harmed(home: Environ, moment: states.State) -> None:
    with supervise_impatient(home) as daemon, daemon.client() as client:
        for number, (name, strike) in enumerate(BLOWS.items(), 1):
            answers = moment(daemon, client, f"n{number}")
            struck(daemon, strike)
            eventually(partial(healed, daemon, number), WITHIN)
            assert set(inodes(daemon.run_dir)) == {FRONT, WORKERS, LOCK}, name
            assert daemon.run_dir.stat().st_mode & 0o777 == 0o700
            with daemon.client() as other:
                assert other.ask(PROMPT, model=f"echo?id=fresh{number}").text == PROMPT + " ", name
                assert other.welcome.pid == client.status().pid == daemon.process.pid
            for answer in answers:
                goes_on(answer, speaks=moment is not states.loading)
            client.unload()
        assert daemon.terminate(WITHIN) == OK
        assert daemon.nothing_is_left()


def healed(daemon: Supervised, times: int) -> bool:
    return len(daemon.logged("run_directory_healed")) == times


def goes_on(answer: Asked, *, speaks: bool) -> None:
    """It was not harmed: it goes on, exactly, and can be stopped."""
    if speaks:
        assert isinstance(answer.until(wire.Delta, WITHIN).events[-1], wire.Delta), answer.events
    answer.cancel()
    assert answer.finish(WITHIN)
    assert isinstance(answer.end, wire.Cancelled), answer.end
    assert answer.is_prefix(sum(event.n for event in answer.events if isinstance(event, wire.Delta)))


@pytest.mark.parametrize("name", BLOWS)
def test_while_it_stops_it_still_ends_clean(home: Environ, name: str) -> None:
    with supervise_impatient(home) as daemon, daemon.client() as client:
        states.stopping(daemon, client, "it")
        struck(daemon, BLOWS[name])
        assert daemon.process.wait(WITHIN) == OK
    assert not daemon.workers()
    left = inodes(daemon.run_dir)
    assert set(left) <= {LOCK, f"{name.partition(' ')[0]}.sock"}  # what lies there is not of its making
    with Supervised(home) as again, again.client() as client:
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "


def test_it_leaves_to_the_one_that_took_its_place(
    home: Environ, supervise: Callable[..., Supervised]
) -> None:
    first = supervise_impatient(home)
    with first, first.client() as client:
        list(client.load("echo"))
        first.process.send_signal(signal.SIGSTOP)
        shutil.rmtree(first.run_dir)
        second = supervise()
        before = inodes(second.run_dir)
        first.process.send_signal(signal.SIGCONT)
        assert first.process.wait(WITHIN) == OK
        assert first.logged("run_directory_lost", code=str(Code.SUPERVISOR_RUNNING))
        assert inodes(second.run_dir) == before
        with second.client() as other:
            assert other.ask(PROMPT, model="echo").text == PROMPT + " "
            assert other.welcome.pid == second.process.pid
    assert len(workers_in(second.run_dir)) == 1


def test_patience_ends_when_another_has_taken_its_place(
    home: Environ, supervise: Callable[..., Supervised]
) -> None:
    """Else two have the model in memory, and `ai-pal stop` of the one brings the other back."""
    patient = IMPATIENT[1].replace("= 0.0,", "= 1e6,")
    with Supervised(home, ("-c", patient), drain_seconds=0.3) as first:
        shutil.rmtree(first.run_dir)
        second = supervise()
        assert first.process.wait(WITHIN) == OK
        with second.client() as other:
            assert other.welcome.pid == second.process.pid


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_swept_one_leaves_the_new_one_alone(
    home: Environ, supervise: Callable[..., Supervised], how: signal.Signals
) -> None:
    first = supervise()  # as patient as it is: both run for a while
    shutil.rmtree(first.run_dir)
    second = supervise()
    before = inodes(second.run_dir)
    first.process.send_signal(how)
    first.process.wait(WITHIN)
    assert inodes(second.run_dir) == before
    with second.client() as client:
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "


def test_a_file_in_the_way_is_left_and_the_supervisor_leaves(home: Environ) -> None:
    with supervise_impatient(home) as daemon:
        path = daemon.run_dir / FRONT
        path.unlink()
        path.write_text("precious")
        assert daemon.process.wait(WITHIN) == OK
        assert daemon.logged("run_directory_lost", code=str(Code.SOCKET_PATH_BLOCKED))
        assert path.read_text() == "precious"


def test_a_second_start_does_not_overrun_one_without_its_lock(
    supervise: Callable[..., Supervised], home: Environ
) -> None:
    first = supervise()
    (first.run_dir / LOCK).unlink()
    command = [sys.executable, "-P", "-m", "ai_pal", "supervise"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert "[supervisor_running]" in done.stderr
    assert listens(home)


def test_the_next_chat_works(home: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and with the patience that they have: by the same supervisor, or by another, whose sockets
    the end of the first leaves alone."""
    for variable, value in home.items():
        monkeypatch.setenv(variable, value)
    for name, strike in BLOWS.items():
        with connect(load_settings().settings) as client:
            first, where = client.welcome.pid, client.endpoint
        strike(paths.run_dir(home))
        with connect(load_settings().settings) as client:
            assert client.ask(PROMPT, model="echo").text == PROMPT + " ", name
            second = client.welcome.pid
        if second != first:
            os.kill(first, signal.SIGTERM)
            eventually(partial(gone, first), WITHIN)
            with Client(where) as again:
                assert again.welcome.pid == second
                assert again.ask(PROMPT, model="echo").text == PROMPT + " ", name
