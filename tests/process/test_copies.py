"""How often a picture is copied on its way to the engine: what each process on that way holds of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ai_pal.protocol.content import Image, Message, Text
from tests.contract.client_faces import FACES, connected
from tests.pictures import png
from tests.process.supervised import Supervised, pid_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are Linux's to tell"),
]
SIZE = 48 << 20
"""Of the picture: nothing else counts beside it, and memory of that size is given back at once."""
ABOUT = 0.5
"""Of a picture."""
WITH_PEAK = """
import atexit, runpy, sys
atexit.register(lambda: sys.stderr.write(open("/proc/self/status").read()))
sys.argv[0] = "ai-pal"
runpy.run_module("ai_pal", run_name="__main__")
"""


async def test_supervisor_and_worker_hold_a_picture_once_each(daemon: Supervised, tmp_path: Path) -> None:
    """What they received; the client no more than it has read. So there are two copies on the way."""
    picture = png() + os.urandom(SIZE)
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(png())
    large.write_bytes(picture)
    least = peak_of_command(daemon, small)
    with daemon.client() as client:
        pids = [daemon.process.pid, pid_of(client)]
    for kind in FACES:
        async with connected(kind, daemon.endpoint) as face:
            with peaks([os.getpid(), *pids]) as held:
                answer = await face.call("ask", [Message("user", [Image("image/png", picture), Text("see")])])
        assert f"{len(picture)} bytes" in answer.text
        assert held == pytest.approx([0, 1, 1], abs=ABOUT), kind
    with peaks(pids) as held:
        most = peak_of_command(daemon, large)
    assert held == pytest.approx([1, 1], abs=ABOUT)
    assert (most - least) / SIZE == pytest.approx(1, abs=ABOUT)


def peak_of_command(daemon: Supervised, file: Path, *more: str) -> int:
    """Bytes that `ai-pal chat` with this file held at most."""
    command = [sys.executable, "-c", WITH_PEAK, "chat", "-a", str(file), *more, "see"]
    done = subprocess.run(command, env=daemon.environ, capture_output=True, timeout=120, check=True)
    assert f"{file.stat().st_size} bytes".encode() in done.stdout
    return peak_in(done.stderr.decode())


@contextmanager
def peaks(pids: Sequence[int]) -> Iterator[list[float]]:
    """By how many pictures each process grew at its peak."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = [peak_of(pid) for pid in pids]
    held: list[float] = []
    yield held
    held += [(peak_of(pid) - least) / SIZE for pid, least in zip(pids, before, strict=True)]


def peak_of(pid: int) -> int:
    return peak_in(Path(f"/proc/{pid}/status").read_text())


def peak_in(status: str) -> int:
    """Bytes that a process held at most since it was asked to forget."""
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) << 10
