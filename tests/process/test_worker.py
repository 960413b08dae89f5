"""A real worker process: its conversation, its faults, and that it never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    Beat,
    CancelGeneration,
    Deltas,
    Generate,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    LoadProgress,
    Prepare,
    Ready,
    WorkerHello,
    encode,
)
from tests.process.eventually import allowed, eventually
from tests.worker_driver import TIMEOUT, WorkerDriver, worker_command
from workers.engines.echo.text import reference


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[WorkerDriver]:
    with WorkerDriver(tmp_path) as started:
        yield started


def echo(**options: object) -> LoadModel:
    return LoadModel("echo", "echo", options=options)


def test_hello_comes_first_and_tells_the_pid(driver: WorkerDriver) -> None:
    hello = driver.receive()
    assert isinstance(hello, WorkerHello)
    assert hello.pid == driver.process.pid


def test_load_progress_then_ready_then_an_answer(driver: WorkerDriver) -> None:
    driver.wait_for(WorkerHello)
    driver.send(echo(load_seconds=0.2))
    driver.wait_for(LoadProgress)
    driver.wait_for(Ready)
    said = [Message("user", "one two three")]
    assert driver.ask(1, said).text == "".join(reference(said, 3))


def test_a_spare_worker_survives_an_engine_that_is_not_there(driver: WorkerDriver) -> None:
    driver.wait_for(WorkerHello)
    driver.send(Prepare("none"))
    driver.send(echo())
    driver.wait_for(Ready)


def test_it_beats_while_it_loads(driver: WorkerDriver) -> None:
    driver.wait_for(WorkerHello)
    driver.send(echo(load_hang=True))
    driver.wait_for(Beat, timeout=30)
    driver.wait_for(Beat, timeout=30)


def test_malformed_and_unknown_messages_are_survived(driver: WorkerDriver) -> None:
    assert isinstance(driver.load(echo()), Ready)
    for junk in (b"", b"\xc1", b"junk", b"\x91" * 100_000, encode(Beat(1, 2)), b"\x81\xa4type\xa3new"):
        driver.send(junk)
    assert driver.ask(1, "still here").text == "still here "


def test_a_request_before_the_model_is_loaded_is_refused(driver: WorkerDriver) -> None:
    driver.wait_for(WorkerHello)
    end = driver.ask(1, "too early").end
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "bad_request"


def test_a_second_load_is_ignored(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.send(echo(load_fail="no"))
    assert driver.ask(1, "fine").text == "fine "


def test_a_second_request_with_an_open_key_is_ignored(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.generate(1, "a", GenerationOptions(extra={"tokens": 10, "pace": 0.01}))
    driver.send(Generate(1, [Message("user", "b")]))
    driver.finish([1])
    assert driver.answers[1].text == "a " * 10


def test_text_that_comes_fast_is_gathered(driver: WorkerDriver) -> None:
    driver.load(LoadModel("echo", "echo", delta_interval=0.1))
    driver.generate(1, "a", GenerationOptions(extra={"tokens": 100_000, "pace": 0.01}))
    assert driver.wait_for(Deltas).items[0].n == 1
    while driver.wait_for(Deltas).items[0].n == 1:  # a machine that stood still is a pause
        pass
    driver.send(CancelGeneration(1))
    driver.finish([1])


def test_an_unknown_engine_fails_the_load_for_good(driver: WorkerDriver) -> None:
    answer = driver.load(LoadModel("m", "no-such-engine"))
    assert isinstance(answer, LoadFailed)
    assert answer.failure.code == "engine_missing"
    assert driver.process.wait(TIMEOUT) == 78


def test_a_load_that_fails_says_why_and_exits(driver: WorkerDriver) -> None:
    answer = driver.load(echo(load_fail="out of luck"))
    assert isinstance(answer, LoadFailed)
    assert answer.failure.message == "out of luck"
    assert driver.process.wait(TIMEOUT) == 78


@pytest.mark.parametrize(
    ("options", "status"), [({"load_exit": 75}, 75), ({"load_kill": int(signal.SIGKILL)}, -signal.SIGKILL)]
)
def test_load_faults_end_the_process(driver: WorkerDriver, options: dict[str, object], status: int) -> None:
    driver.wait_for(WorkerHello)
    driver.send(echo(**options))
    assert driver.process.wait(TIMEOUT) == status


@pytest.mark.parametrize(("fault", "status"), [("exit_at", 1), ("kill_at", -signal.SIGKILL)])
def test_request_faults_end_the_process(driver: WorkerDriver, fault: str, status: int) -> None:
    driver.load(echo())
    driver.generate(1, "a b c d", GenerationOptions(extra={fault: 2}))
    assert driver.process.wait(TIMEOUT) == status


def test_fail_at_fails_that_request_only(driver: WorkerDriver) -> None:
    driver.load(echo())
    answer = driver.ask(1, "a b c d", GenerationOptions(extra={"fail_at": 2}))
    assert answer.text == "a b "
    assert isinstance(answer.end, GenerationFailed)
    assert driver.ask(2, "next").text == "next "


def test_a_hung_engine_still_beats_without_steps(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.generate(1, "a b c d", GenerationOptions(extra={"hang_at": 2}))
    driver.wait_for(Deltas)
    driver.wait_for(Beat)
    first, second = driver.wait_for(Beat), driver.wait_for(Beat)
    assert first.steps == second.steps
    assert second.active == 1


@pytest.mark.parametrize("fault", ["block_at", "hold_gil_at"])
def test_a_blocked_loop_stops_beating(driver: WorkerDriver, fault: str) -> None:
    driver.load(echo())
    driver.generate(1, "a b c d", GenerationOptions(extra={fault: 0}))
    deadline = time.monotonic() + allowed(5.0)
    while driver.socket.poll(2500):
        driver.receive()
        assert time.monotonic() < deadline, "it still beats"


def test_a_held_gil_during_load_ends_and_the_model_is_ready(driver: WorkerDriver) -> None:
    assert isinstance(driver.load(echo(load_hold_gil=1.5)), Ready)


def test_cancel_frees_a_worker_whose_text_nobody_reads(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.generate(1, "flood", GenerationOptions(extra={"tokens": 2_000_000_000, "chunk": 5000}))
    process = psutil.Process(driver.process.pid)
    wait_until_still(process)
    assert process.memory_info().rss < 100 << 20
    driver.cancel(1)
    driver.finish([1])
    assert isinstance(driver.answers[1].end, GenerationCancelled)
    assert driver.ask(2, "next").text == "next "


def wait_until_still(process: psutil.Process) -> None:
    """Until the process uses next to no CPU: everything it could fill is full."""
    deadline = time.monotonic() + TIMEOUT
    while process.cpu_percent(interval=0.3) > 20:
        assert time.monotonic() < deadline, "it never stops"


def test_many_streams_each_get_their_own_text(driver: WorkerDriver) -> None:
    driver.load(echo())
    for key in range(1, 65):
        driver.generate(key, f"word{key} more", GenerationOptions(extra={"tokens": 200}))
    driver.finish(range(1, 65))
    for key in range(1, 65):
        assert driver.answers[key].text == f"word{key} more " * 100
        assert isinstance(driver.answers[key].end, GenerationDone)


def test_prefill_makes_steps_and_can_be_cancelled(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.generate(1, "a b", GenerationOptions(extra={"prefill_seconds": 60}))
    driver.cancel(1)
    driver.finish([1], timeout=30)
    assert isinstance(driver.answers[1].end, GenerationCancelled)


def test_it_leaves_when_the_supervisor_closes_its_socket(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.socket.close()
    assert driver.process.wait(TIMEOUT) == 0


def test_sigterm_ends_it_and_sigint_does_not(driver: WorkerDriver) -> None:
    driver.load(echo())
    driver.process.send_signal(signal.SIGINT)
    assert driver.ask(1, "alive").text == "alive "
    driver.process.send_signal(signal.SIGTERM)
    assert driver.process.wait(TIMEOUT) == -signal.SIGTERM


def test_a_workers_folder_where_it_stands_is_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in ("workers", "ai_pal", "zmq", "msgspec"):
        folder = tmp_path / "cwd" / name
        folder.mkdir(parents=True)
        for file in ("__init__.py", "__main__.py"):
            (folder / file).write_text(f"open({str(canary)!r}, 'w')")
    with WorkerDriver(tmp_path, cwd=tmp_path / "cwd") as driver:
        assert isinstance(driver.load(echo()), Ready)
    assert not canary.exists()


@pytest.mark.real_model
def test_llamacpp_has_no_internet_socket_and_leaves_none_of_its_own(
    tmp_path: Path, starter_model: Path
) -> None:
    with WorkerDriver(tmp_path) as driver:
        assert isinstance(driver.load(LoadModel("m", "llamacpp", str(starter_model), context=512)), Ready)
        assert psutil.Process(driver.process.pid).net_connections("inet") == []
        assert list(tmp_path.glob("llamacpp*")) == []


WATCH = """
import sys
def watch(event, arguments):
    is_network = event in ("socket.connect", "socket.bind") and isinstance(arguments[1], tuple)
    if is_network or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        with open({canary!r}, "a") as file:
            print(event, arguments[1:], file=file)
sys.addaudithook(watch)
"""


@pytest.mark.slow
def test_a_spare_worker_imports_an_engine_loads_later_and_touches_no_network_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests import tiny_models

    canary = tmp_path / "canary"
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH.format(canary=str(canary)))
    folder = tiny_models.save(tmp_path / "tiny", "llama")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "watch"))
    with WorkerDriver(tmp_path) as driver:
        driver.wait_for(WorkerHello)
        driver.send(Prepare("transformers"))
        eventually(lambda: "libtorch" in Path(f"/proc/{driver.process.pid}/maps").read_text(), TIMEOUT)
        driver.send(LoadModel("m", "transformers", str(folder), threads=1))  # waits for the import
        driver.wait_for(Ready)
        driver.ask(1, [Message("user", "hello")], GenerationOptions(max_tokens=4))
        assert psutil.Process(driver.process.pid).net_connections("inet") == []
    assert not canary.exists(), canary.read_text()


@pytest.mark.real_model
def test_a_missing_library_names_the_command_that_installs_it(
    tmp_path: Path, starter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked" / "xllamacpp").mkdir(parents=True)
    (tmp_path / "blocked" / "xllamacpp" / "__init__.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "blocked"))
    with WorkerDriver(tmp_path) as driver:
        answer = driver.load(LoadModel("m", "llamacpp", str(starter_model)))
        assert isinstance(answer, LoadFailed)
        assert answer.failure.code == "engine_missing"
        assert f"{sys.executable} -m pip install xllamacpp" in answer.failure.hint


def test_usage_is_told_without_arguments() -> None:
    ended = subprocess.run([sys.executable, "-m", "workers"], capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == 64
    assert "usage:" in ended.stderr


def test_it_does_not_start_under_a_parent_that_is_gone(tmp_path: Path) -> None:
    command = worker_command(f"ipc://{tmp_path}/w.sock", 1 if os.getpid() != 1 else 2)
    assert subprocess.run(command, timeout=TIMEOUT).returncode == 0
