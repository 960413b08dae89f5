"""What every launcher promises: the local one with real processes, and the simulated one."""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import anyio
import psutil
import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.logs import MARK
from ai_pal.server.nodes.base import ExitStatus, Launcher, LaunchSpec, WorkerProcess
from ai_pal.server.nodes.local import COUNTED_BY_BUS, ENVIRONMENT, RESERVE, LocalLauncher
from ai_pal.server.nodes.output import TAIL_LINES
from tests.simulation.plans import Fault, Temper
from tests.simulation.world import World

pytestmark = pytest.mark.anyio
HERE = str(Path(__file__).parent)
LIMIT = 60.0


class Subject(Protocol):
    """A launcher under test. `exits` is what was reported; `act` is "wait" or "exit" (with code 3)."""

    exits: list[ExitStatus]

    async def launch(self, act: str) -> WorkerProcess: ...

    async def pass_time(self) -> None: ...


class Local:
    def __init__(self, folder: Path) -> None:
        self.folder, self.exits, self.lines = folder, list[ExitStatus](), list[str]()

    async def launch(self, act: str) -> WorkerProcess:
        launcher = LocalLauncher(self.folder, "ipc://nowhere", lambda worker, line: self.lines.append(line))
        spec = LaunchSpec("w.1.1", "launched", (act,), (("PYTHONPATH", HERE),))
        return launcher.launch(spec, self.exits.append)

    async def pass_time(self) -> None:
        await anyio.sleep(0.02)


class Simulated:
    def __init__(self) -> None:
        self.world, self.exits = World(1, {"w": Temper()}), list[ExitStatus]()

    async def launch(self, act: str) -> WorkerProcess:
        process = self.world.machine.launch(LaunchSpec("w.1.1", "workers"), self.exits.append)
        if act == "exit":
            self.world.clock.time.after(0.5, lambda: process.die(ExitStatus(code=3)))
        return process

    async def pass_time(self) -> None:
        self.world.clock.run(self.world.clock.now() + 0.1)


@pytest.fixture(params=["local", "simulated"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    return Local(tmp_path) if request.param == "local" else Simulated()


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return Local(tmp_path)


async def until(holds: Callable[[], object], subject: Subject) -> None:
    with anyio.fail_after(LIMIT):
        while not holds():
            await subject.pass_time()


async def test_an_exit_is_reported_once_with_its_code(subject: Subject) -> None:
    await subject.launch("exit")
    await until(lambda: subject.exits, subject)
    for _ in range(5):
        await subject.pass_time()
    assert subject.exits == [ExitStatus(code=3)]


async def test_kill_is_reported_as_its_signal(subject: Subject) -> None:
    (await subject.launch("wait")).kill()
    await until(lambda: subject.exits, subject)
    assert subject.exits == [ExitStatus(signal=9)]


async def test_terminate_is_reported_as_its_signal(subject: Subject) -> None:
    (await subject.launch("wait")).terminate()
    await until(lambda: subject.exits, subject)
    assert subject.exits == [ExitStatus(signal=15)]


async def test_signals_after_the_end_do_nothing(subject: Subject) -> None:
    process = await subject.launch("exit")
    await until(lambda: subject.exits, subject)
    process.terminate()
    process.kill()
    await subject.pass_time()
    assert subject.exits == [ExitStatus(code=3)]


async def test_usage_is_there_until_the_end(subject: Subject) -> None:
    process = await subject.launch("wait")
    usage = process.usage()
    assert usage is not None
    assert usage.memory > 0
    process.kill()
    await until(lambda: subject.exits, subject)
    assert process.usage() is None


async def test_a_process_owns_its_own_connections_only(subject: Subject) -> None:
    process = await subject.launch("wait")
    assert process.owns(process.pid)
    assert not process.owns(process.pid + 1)
    process.kill()
    await until(lambda: subject.exits, subject)


async def test_the_last_words_are_kept(subject: Subject) -> None:
    process = await subject.launch("exit")
    await until(lambda: subject.exits, subject)
    assert process.stderr_tail() == "the last words"


async def test_what_cannot_be_started_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    machine = World(1, {"w": Temper(1.0, (Fault.NO_SPAWN,))}).machine
    missing = LocalLauncher(tmp_path, "ipc://nowhere", lambda worker, line: None)
    launchers: list[Launcher] = [missing, machine]
    for launcher in launchers:
        with pytest.raises(AiPalError) as caught:
            launcher.launch(LaunchSpec("w.1.1", "workers"), lambda status: None)
        assert caught.value.code == Code.SPAWN_FAILED
        assert caught.value.retryable


async def test_only_the_last_lines_are_kept(local: Local) -> None:
    process = await local.launch("talk")
    await until(lambda: local.exits, local)
    assert process.stderr_tail().split("\n") == [f"line {n}" for n in range(1000 - TAIL_LINES, 1000)]
    assert len(local.lines) == 1000


async def test_the_environment_is_the_allowed_list(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HTTPS_PROXY", "PYTHONSTARTUP", "LD_PRELOAD_NOT", "AI_PAL_SECRET"):
        monkeypatch.setenv(name, "secret")
    await local.launch("environment")
    await until(lambda: local.exits, local)
    # Python itself may add LC_CTYPE (PEP 538).
    assert set(local.lines[-1].split()) <= {*ENVIRONMENT, *COUNTED_BY_BUS, MARK, "PYTHONPATH"}


async def test_how_threads_wait_is_for_the_user_to_say(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"GOMP_SPINCOUNT": "12345", "OMP_WAIT_POLICY": "active"}
    where = {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}
    for name, value in (said | where).items():
        monkeypatch.setenv(name, value)
    await local.launch("environment")
    await until(lambda: local.exits, local)
    seen = set(local.lines[-1].split())
    assert set(said) <= seen
    assert seen.isdisjoint(where), "who calls libgomp is bound by them, and so is all that it starts then"


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_the_whole_group_ends(local: Local, how: str) -> None:
    process = await local.launch("breed")
    await until(lambda: local.lines, local)
    child = psutil.Process(int(local.lines[0]))
    getattr(process, how)()
    await until(lambda: local.exits, local)
    await until(lambda: _ended(child), local)


async def test_a_workers_folder_where_the_user_stands_is_not_imported(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = local.folder / "launched.py"
    trap.write_text("print('trapped')")
    monkeypatch.chdir(local.folder)
    process = await local.launch("wait")
    await until(lambda: local.lines, local)
    assert local.lines == ["here"]
    process.kill()
    await until(lambda: local.exits, local)


async def test_no_file_is_left_open(local: Local) -> None:
    await local.launch("exit")
    await until(lambda: local.exits, local)
    before, more = len(os.listdir("/proc/self/fd")), 4
    for count in range(2, 2 + more):
        await local.launch("exit")
        await until(lambda count=count: len(local.exits) == count, local)  # type: ignore[misc]
    # Other tests of this process may have something open; what each launch left open would be as many.
    assert len(os.listdir("/proc/self/fd")) < before + more


def _ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_nothing_is_started_where_few_descriptors_are_left(tmp_path: Path) -> None:
    subject = Local(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(os.listdir("/dev/fd")) + RESERVE // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    try:
        with pytest.raises(AiPalError) as caught:
            await subject.launch("exit")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert caught.value.code == Code.SPAWN_FAILED
    assert "ulimit" in caught.value.failure.hint
