"""The files of one worker, brought to this node before it starts, in a thread of their own: from where the
node sees them already, by a pull, or piece by piece from the cluster process. Only whole files come to their
places."""

import asyncio
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ai_pal.catalog.caches.cache import SPACE_HINT, nearest, told_apart
from ai_pal.catalog.caches.stall import StallWatch
from ai_pal.catalog.weights.identity import OUTSIDE
from ai_pal.cluster import pulling
from ai_pal.cluster.landing import FOLDER, Landing, landing, sweep
from ai_pal.cluster.receiving import AHEAD, Piece
from ai_pal.config.egress_environment import egress_environment
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.memory import gigabytes
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.egress import Fetch, FetchFailed, FetchProgress
from ai_pal.protocol.wanted import Wanted

STALL_SECONDS = 45.0
"""Until a transfer that does not move is given up: before the load is."""

OTHER_SECONDS = 0.2
"""Between two looks at a file that another load here receives."""

Answer = wire.Hash | wire.Piece | wire.NotGiven
Over = Callable[[Failure | None], None]


class Supplying:
    """`tell` takes questions and lines for the log to the cluster process, whose answers come back by
    `answered`; `over` is called once, with what went wrong. All three on the loop that makes this."""

    def __init__(
        self, worker: str, supply: wire.Supply, tell: Callable[[wire.FromAgent], None], over: Over
    ) -> None:
        self._worker, self._supply, self._tell, self._over = worker, supply, tell, over
        self._loop = asyncio.get_running_loop()
        self._cache, self._answers = Path(supply.cache), queue.Queue[Answer | None](AHEAD + 2)
        self._done = self._total = self._steps = self._base = 0
        self._stopped = threading.Event()
        self._pull: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name=f"files of {worker}", daemon=True)
        self._thread.start()

    @property
    def told(self) -> wire.Supplied | None:
        """How far it is; None while nothing is known to be lacking."""
        if not self._total:
            return None
        return wire.Supplied(self._worker, min(self._done, self._total), self._total, self._steps)

    def answered(self, answer: Answer) -> None:
        """An answer of the cluster process's."""
        with contextlib.suppress(queue.Full):  # more than was asked for: what lacks then is told as a stall
            self._answers.put_nowait(answer)

    def stop(self) -> None:
        """Nobody wants them any more: what has come stays for the next try."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):
            self._answers.put_nowait(None)
        if self._pull is not None:
            self._pull.kill()

    def _run(self) -> None:
        failure: Failure | None = None
        try:
            self._bring()
        except AiPalError as error:
            failure = error.failure
        except Exception as error:  # noqa: BLE001 - whatever it is, the files are not there
            failure = Failure(Code.INTERNAL, f"its files did not come: {error!r}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(self._over, failure)

    def _bring(self) -> None:
        self._mark_used()
        self._link()
        if not (lacking := self._lacking()):
            return
        self._total = sum(self._supply.files[one].size for one in lacking)
        if (told := self.told) is not None:
            self._send(told)
        with told_apart(self._cache):
            self._cache.mkdir(parents=True, exist_ok=True)
            sweep(self._cache / FOLDER)
            sweep(self._cache / OUTSIDE)
        self._check_space(lacking)
        published = any(not self._supply.files[one].origin for one in lacking)
        if self._supply.pulled is not None and published:
            self._pull_it(self._supply.pulled)
            lacking = self._lacking()
        # The large ones last: a folder with its weights is taken for a whole one.
        for number in sorted(lacking, key=lambda one: self._supply.files[one].size):
            self._base = self._total - sum(self._supply.files[one].size for one in self._lacking())
            self._receive(number)

    def _lacking(self) -> list[int]:
        files = self._supply.files
        return [number for number, file in enumerate(files) if not _is(self._cache / file.place, file)]

    def _moved(self, done: int) -> None:
        self._done = done
        self._steps += 1

    def _mark_used(self) -> None:
        """What is swept away when nobody uses it is used."""
        for file in self._supply.files:
            if file.origin:
                with contextlib.suppress(OSError):  # it has not come yet
                    os.utime(self._cache.joinpath(*Path(file.place).parts[:2]))

    # Where this node sees it already.

    def _link(self) -> None:
        """What lies there is read there: a link in the cache is all that comes."""
        for number in self._lacking():
            file = self._supply.files[number]
            there, here = self._seen(file), self._cache / file.place
            if there is not None:
                with told_apart(self._cache):
                    here.parent.mkdir(parents=True, exist_ok=True)
                    beside = here.with_name(f".{here.name}.{os.getpid()}")
                    beside.symlink_to(there)
                    os.replace(beside, here)

    def _seen(self, file: wire.ModelFile) -> Path | None:
        """Where it lies in the folder that nodes share; or at the very path that it has on the supervisor's
        machine, unchanged."""
        if not file.origin:
            there = Path(self._supply.shared) / file.place
            return there if self._supply.shared and _is(there, file) else None
        there = Path(file.origin)
        return there if _is(there, file) and _changed(there) == file.changed else None

    # The disk.

    def _check_space(self, lacking: list[int]) -> None:
        kept = sum(_size(self._cache / FOLDER / self._supply.files[one].sha256) for one in lacking)
        need, free = self._total - kept + wire.DISK_SPARE, shutil.disk_usage(nearest(self._cache)).free
        if free < need:
            figures = f"{gigabytes(need)} is needed in {self._cache}, {gigabytes(free)} is free"
            fail(Code.DISK_FULL, f"not enough space for its files: {figures}", SPACE_HINT)

    # By its own pull.

    def _pull_it(self, wanted: Wanted) -> None:
        """Have the model by a pull; why that has not brought it is in the log."""
        command = [sys.executable, "-P", "-m", pulling.__name__]
        fetch = Fetch(0, self._supply.model, self._supply.cache, wanted)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | egress_environment()
        ) as pull:
            self._pull = pull
            if self._stopped.is_set():
                pull.kill()
            assert pull.stdin is not None
            assert pull.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                pull.stdin.write(msgspec.json.encode(fetch) + b"\n")
                pull.stdin.flush()
            said: pulling.Said | None = None
            for line in pull.stdout:
                said = msgspec.json.decode(line, type=pulling.Said)
                if isinstance(said, FetchProgress) and said.total:
                    self._moved(self._total * said.done // said.total)
        if isinstance(said, FetchFailed):
            self._send(wire.Line(self._worker, f"the node's own pull failed: {said.failure.message}"))

    # From the cluster process.

    def _receive(self, number: int) -> None:
        file = self._supply.files[number]
        target, folder = self._cache / file.place, self._cache / FOLDER
        sha256 = file.sha256 or self._hash(number)
        stall = StallWatch(STALL_SECONDS, time.monotonic())
        while not self._stopped.is_set():
            try:
                with landing(target, folder, file.size, sha256, self._counts) as place:
                    if _is(target, file):
                        place.leave()
                    else:
                        self._take(number, place)
                    return
            except AiPalError as error:
                if error.code != Code.OVERLOADED:
                    raise
            self._counts(kept := _size(folder / sha256))
            if stall.is_stalled(kept, time.monotonic()):
                fail(Code.DOWNLOAD_FAILED, f"another load here that receives {file.name} hangs")
            self._stopped.wait(OTHER_SECONDS)
        fail(Code.CANCELLED, "it is not wanted any more")

    def _counts(self, done: int) -> None:
        self._moved(self._base + done)

    def _hash(self, number: int) -> str:
        self._send(wire.AskHash(self._worker, number))
        while True:
            match self._next(number):
                case wire.Hash(sha256=sha256):
                    if sha256:
                        return sha256
                    self._steps += 1

    def _take(self, number: int, place: Landing) -> None:
        file = self._supply.files[number]
        while not place.receiving.complete:
            for want in place.receiving.wants():
                self._send(wire.AskPiece(self._worker, number, want.offset, want.count))
            match self._next(number):
                case wire.Piece(offset=offset, data=data):
                    place.take(Piece(offset, data))
                    self._counts(place.receiving.done)
        if not place.publish():
            fail(
                Code.HASH_MISMATCH,
                f"what came of {file.name} is not that file: its hash is another, and it was thrown away",
                "on the machine of the supervisor: ai-pal rm the model, and pull it again",
                retryable=True,
            )

    def _send(self, message: wire.FromAgent) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._say, message)

    def _say(self, message: wire.FromAgent) -> None:
        if not self._stopped.is_set():
            self._tell(message)

    def _next(self, number: int) -> Answer:
        file = self._supply.files[number]
        try:
            answer = self._answers.get(timeout=STALL_SECONDS)
        except queue.Empty:
            stalled = f"nothing came of {file.name} for {STALL_SECONDS:g} s"
            fail(Code.DOWNLOAD_FAILED, stalled, "ask again: it goes on where it stopped", retryable=True)
        if answer is None or self._stopped.is_set():
            fail(Code.CANCELLED, "it is not wanted any more")
        if isinstance(answer, wire.NotGiven):
            fail(Code.DOWNLOAD_FAILED, answer.reason, "ask again", retryable=True)
        return answer


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is(path: Path, file: wire.ModelFile) -> bool:
    """Whether the file is there, as its name and size tell: only whole ones come to such places."""
    return path.is_file() and _size(path) == file.size
