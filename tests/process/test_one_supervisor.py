"""One supervisor per user: many starts, leftovers in the run directory, take-over (promise 15)."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from ai_pal.client import Client, daemon
from ai_pal.client.daemon import connect, hosted
from ai_pal.config import Settings, load_settings, paths
from ai_pal.config.egress_environment import compared
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.report import Report
from ai_pal.transport.run_directory import RunDirectory
from tests.process.answers import PROMPT, ask, end_of, until
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, client_endpoint, listens
from tests.process.supervised import AI_PAL, Supervised, gone, workers_in

Supervise = Callable[..., Supervised]
STARTS = 30
START_SECONDS = 60.0
EXIT_SECONDS = 5.0
FAILED = 1


@pytest.fixture
def here(home: Environ, monkeypatch: pytest.MonkeyPatch) -> Environ:
    """`home` as the environment of this process: what it starts is stopped at the end."""
    for name in ("AI_PAL_MODEL_CACHE", *compared()):
        monkeypatch.delenv(name, raising=False)
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def program() -> tuple[str, ...]:
    """Found by its command and its environment."""
    return AI_PAL


def settings() -> Settings:
    return load_settings().settings


def supervisors(home: Environ) -> list[int]:
    """The supervisors that run in this home."""
    return [process.pid for process in psutil.process_iter() if _is_supervisor(process, home)]


def _is_supervisor(process: psutil.Process, home: Environ) -> bool:
    try:
        mine = process.environ().get("AI_PAL_HOME") == home["AI_PAL_HOME"]
        return mine and "supervise" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def run_supervise(home: Environ, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "ai_pal", "supervise", *args]
    return subprocess.run(
        command, env=home, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )


def test_a_second_one_refuses_and_names_the_first(supervise: Supervise, home: Environ) -> None:
    first = supervise()
    second = run_supervise(home)
    assert second.returncode == FAILED
    assert "[supervisor_running]" in second.stderr
    assert f"pid {first.process.pid}" in second.stderr
    with first.client() as client:
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "


def test_one_that_loses_loads_nothing_heavy(supervise: Supervise, home: Environ) -> None:
    supervise()
    second = run_supervise(home | {"PYTHONPROFILEIMPORTTIME": "1"})
    assert "[supervisor_running]" in second.stderr
    loaded = {line.rpartition("|")[2].strip() for line in second.stderr.splitlines()}
    assert "ai_pal.transport.run_directory" in loaded
    assert not loaded & {"zmq", "asyncio", "psutil", "structlog", "ai_pal.server.app"}


def test_of_many_starts_exactly_one_wins(here: Environ) -> None:
    with ThreadPoolExecutor(STARTS) as pool:
        clients = list(pool.map(lambda _: connect(settings()), range(STARTS)))
    try:
        assert len({client.welcome.pid for client in clients}) == 1
        eventually(lambda: supervisors(here) == [clients[0].welcome.pid])
    finally:
        for client in clients:
            client.close()


def test_one_that_is_just_ending_is_waited_for(here: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, spawn, starts = RunDirectory.acquire(paths.make_private(paths.run_dir(here))), daemon._spawn, []

    def spawn_beside_it(args: list[str], stderr: int | None) -> Report:
        report = spawn(args, stderr)
        starts.append(report.failure and report.failure.code)
        if report.failure is not None:
            ending.release()
        return report

    monkeypatch.setattr(daemon, "_spawn", spawn_beside_it)
    with connect(settings()) as client:
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "
    assert starts == [Code.SUPERVISOR_RUNNING, None]


def test_sockets_left_by_a_killed_one_are_no_obstacle(supervise: Supervise) -> None:
    first = supervise()
    first.process.kill()
    first.process.wait()
    assert (first.run_dir / "front.sock").is_socket()
    with supervise().client() as client:
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "


def test_a_socket_of_another_program_is_swept_only_under_our_names(
    supervise: Supervise, home: Environ
) -> None:
    run_dir = paths.make_private(paths.run_dir(home))
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(run_dir / "front.sock"))
    supervise()
    assert listens(home)


@pytest.mark.parametrize("name", ["front.sock", "workers.sock"])
def test_a_file_in_the_place_of_a_socket_is_reported_and_stays(home: Environ, name: str) -> None:
    file = paths.make_private(paths.run_dir(home)) / name
    file.write_text("precious")
    done = run_supervise(home)
    assert done.returncode == FAILED
    assert "[socket_path_blocked]" in done.stderr
    assert str(file) in done.stderr
    assert file.read_text() == "precious"


def test_a_run_directory_of_somebody_else_is_refused(home: Environ) -> None:
    run_dir = paths.make_private(paths.run_dir(home))
    try:
        os.chown(run_dir, 65534, 65534)
    except PermissionError:
        pytest.skip("only root can give a folder away")
    done = run_supervise(home)
    assert done.returncode == FAILED
    assert "[run_dir_unsafe]" in done.stderr


def test_an_open_run_directory_is_closed_to_others(supervise: Supervise, home: Environ) -> None:
    run_dir = paths.run_dir(home)
    run_dir.mkdir(parents=True)
    run_dir.chmod(0o777)
    supervise()
    assert run_dir.stat().st_mode & 0o777 == 0o700


def test_the_foreground_takes_over_from_the_background(here: Environ, supervise: Supervise) -> None:
    with connect(settings()) as client:
        background = client.welcome.pid
        client.ask(PROMPT, model="echo")
    foreground = supervise()
    with foreground.client() as client:
        assert client.welcome.pid == foreground.process.pid
        assert not client.welcome.auto_started
    eventually(lambda: gone(background))


def test_a_background_one_ends_when_idle(here: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_IDLE_EXIT", "0.3")
    with connect(settings()) as client:
        pid = client.welcome.pid
        client.ask(PROMPT, model="echo", keep_alive=0)
    eventually(lambda: gone(pid))
    assert os.listdir(paths.run_dir(here)) == ["supervisor.lock"]


def test_a_background_one_stays_while_a_client_or_a_model_is_there(
    here: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_PAL_IDLE_EXIT", "0.3")
    with connect(settings()) as client:
        pid = client.welcome.pid
        list(client.load("echo"))
    # Half a dozen looks at its idleness take longer than its limit.
    for _ in range(6):
        eventually(lambda: listens(here))
        assert len(workers_in(paths.run_dir(here))) == 1
    assert not gone(pid)


def test_an_idle_background_one_with_other_settings_is_replaced(
    here: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(settings()) as client:
        first = client.welcome.pid
    monkeypatch.setenv("AI_PAL_THREADS", "1")
    notes: list[str] = []
    with connect(settings(), notify=notes.append) as client:
        assert client.welcome.pid != first, notes
    eventually(lambda: gone(first))
    assert notes == ["restarted the supervisor: threads changed"]


def test_a_busy_one_with_other_settings_is_used_and_named(
    here: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(settings()) as client:
        stream = ask(client)
        until(iter(stream), wire.Delta)
        monkeypatch.setenv("AI_PAL_THREADS", "1")
        notes: list[str] = []
        with connect(settings(), notify=notes.append) as other:
            assert other.welcome.pid == client.welcome.pid
        who = f"the supervisor (pid {client.welcome.pid})"
        assert notes == [f"{who} has other settings (threads) and is busy: using it as it is"]
        stream.cancel()
        end_of(list(stream), wire.Cancelled)


def test_one_in_the_foreground_is_never_replaced(
    here: Environ, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreground = supervise()
    monkeypatch.setenv("AI_PAL_THREADS", "1")
    notes: list[str] = []
    with connect(settings(), notify=notes.append) as client:
        assert client.welcome.pid == foreground.process.pid
    who = f"the supervisor (pid {foreground.process.pid}) in the foreground"
    assert notes == [f"{who} has other settings (threads): restart it"]


def test_what_keeps_a_background_one_from_starting_is_told(here: Environ) -> None:
    file = paths.make_private(paths.run_dir(here)) / "front.sock"
    file.write_text("precious")
    with pytest.raises(AiPalError) as caught:
        connect(settings())
    assert caught.value.code == Code.SOCKET_PATH_BLOCKED
    assert file.read_text() == "precious"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty temporary folder for everything that is started."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    folder.rmdir()


def test_a_hosted_one_leaves_nothing_behind(here: Environ, temporary: Path) -> None:
    with hosted() as client:
        pid, run_dir = client.welcome.pid, Path(client.endpoint.removeprefix("ipc://")).parent
        assert client.ask(PROMPT, model="echo").text == PROMPT + " "
        assert workers_in(run_dir)
    eventually(lambda: gone(pid))
    assert not workers_in(run_dir)
    assert not list(temporary.iterdir())
    assert not listens(here)


def test_a_hosted_one_ends_with_its_killed_owner(here: Environ) -> None:
    code = (
        "from ai_pal.client.daemon import hosted\n"
        "with hosted() as client:\n"
        "    list(client.load('echo'))\n"
        "    print(client.endpoint, client.welcome.pid, flush=True)\n"
        "    client.wait_gone(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=here, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        where, pid = owner.stdout.readline().split()
        run_dir = Path(where.removeprefix("ipc://")).parent
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        eventually(lambda: gone(int(pid)))
        eventually(lambda: not workers_in(run_dir), within=allowed(1.0))
        assert not run_dir.exists()
        with pytest.raises(AiPalError):
            Client(where)


def test_the_terminal_command_hosts_one_too(home: Environ, temporary: Path) -> None:
    command = [sys.executable, "-P", "-m", "ai_pal", "chat", "--no-daemon", PROMPT]
    environ = home | {"TMPDIR": str(temporary)}
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=START_SECONDS, check=True
    )
    assert done.stdout.decode() == PROMPT + " \n"
    assert not list(temporary.iterdir())
    assert not listens(home)
    assert client_endpoint(home)
