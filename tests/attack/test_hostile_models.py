"""Model files from strangers: refused or ended, whatever they hold; nothing of them runs (promise 13)."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ai_pal.errors import Failure
from ai_pal.protocol.worker import EXIT_NEVER, EXIT_RETRY, LoadFailed, LoadModel
from tests.process.eventually import allowed
from tests.worker_driver import TIMEOUT, WorkerDriver

SIZE = 4096
EXITS = (EXIT_RETRY, EXIT_NEVER)
LIMITED = """
from workers import load_limits
load_limits.CPU_SECONDS, load_limits.MEMORY = 1, 100 << 20
with load_limits.limits(0, 0):
    {act}
print("within the limits", flush=True)
bytearray(200 << 20)
"""


def number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def text(value: bytes, length: int | None = None) -> bytes:
    return number(len(value) if length is None else length) + value


def gguf(*entries: bytes, tensors: int = 0, count: int | None = None) -> bytes:
    """The front of a GGUF file, which may claim other numbers than it holds."""
    head = b"GGUF" + (3).to_bytes(4, "little") + number(tensors)
    return (head + number(len(entries) if count is None else count) + b"".join(entries)).ljust(SIZE, b"\0")


def entry(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + kind.to_bytes(4, "little") + value


ARRAY, TEXT = 9, 8
HUGE = (1 << 63) - 1
FILES = {
    "junk": b"GGUF" + b"\xff" * SIZE,
    "a count of 2^63": gguf(count=HUGE),
    "tensors: 2^63": gguf(tensors=HUGE),
    "a name of 2^63 bytes": gguf(text(b"x", HUGE)),
    "a text of 2^63 bytes": gguf(entry(b"general.architecture", TEXT, text(b"llama", HUGE))),
    "an array of 2^63 numbers": gguf(entry(b"a", ARRAY, (4).to_bytes(4, "little") + number(HUGE))),
    "arrays in arrays": gguf(entry(b"a", ARRAY, ((9).to_bytes(4, "little") + number(1)) * 300)),
    "nothing but a name": gguf(entry(b"general.architecture", TEXT, text(b"llama"))),
    "an unknown class": gguf(entry(b"general.architecture", TEXT, text(b"../../etc/passwd"))),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_hostile_gguf_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "hostile.gguf"
    file.write_bytes(content)
    assert_refused(file, tmp_path)


@pytest.mark.real_model
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_gguf_is_refused_as_such(share: float, tmp_path: Path, starter_model: Path) -> None:
    file = tmp_path / "truncated.gguf"
    content = starter_model.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    failure = assert_refused(file, tmp_path)
    assert failure.message == f"{file} ends too early: it was cut off"
    assert failure.hint


def assert_refused(file: Path, folder: Path) -> Failure:
    with WorkerDriver(folder) as worker:
        outcome = worker.load(LoadModel("m", "llamacpp", str(file)), timeout=120)
        assert isinstance(outcome, LoadFailed), outcome
        assert outcome.failure.code == "model_invalid"
        assert worker.process.wait(TIMEOUT) in EXITS
        return outcome.failure


def limited(act: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", LIMITED.format(act=act)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("act", ["while True: pass", "sum(iter(int, 1))"], ids=["Python", "C"])
def test_a_load_that_computes_without_end_is_ended(act: str) -> None:
    begun = time.monotonic()
    done = limited(act)
    assert done.returncode == -signal.SIGXCPU
    assert time.monotonic() - begun < allowed(20)


def test_a_load_that_takes_all_memory_fails() -> None:
    done = limited("bytearray(200 << 20)")
    assert "MemoryError" in done.stderr
    assert not done.stdout


def test_behind_the_load_nothing_is_limited() -> None:
    done = limited("pass")
    assert done.stdout == "within the limits\n"
    assert done.returncode == 0, done.stderr


def test_a_hostile_package_in_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    for name in ("workers", "ai_pal", "zmq", "msgspec"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    command = [sys.executable, "-P", "-m", "workers", "--help"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert not (tmp_path / "canary").exists()


@pytest.mark.real_model
def test_a_window_that_would_end_llama_cpp_is_refused(tmp_path: Path, starter_model: Path) -> None:
    with WorkerDriver(tmp_path) as worker:
        outcome = worker.load(LoadModel("m", "llamacpp", str(starter_model), context=1), timeout=120)
        assert isinstance(outcome, LoadFailed), outcome
        assert outcome.failure.code == "config_invalid"
        assert worker.process.wait(TIMEOUT) in EXITS
