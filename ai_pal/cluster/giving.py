"""Gives the files of models to nodes that lack them: each agent those of its own worker, a piece for each
question. Read and hashed in threads: the loop has answers to pass on, and pieces wait for no hash."""

import asyncio
import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from ai_pal.cluster.receiving import AHEAD, PIECE
from ai_pal.protocol import cluster as wire

READERS = 4
"""Threads that read. One more hashes: who asks for a hash that another has asked for finds it done."""

CHUNK = 8 << 20

ALIVE_BYTES = 1 << 30
"""Of what is hashed, between two signs of life to all who wait for a hash."""

Answer = wire.Hash | wire.Piece | wire.NotGiven


class _Given(msgspec.Struct, eq=False):
    """What one agent may ask for, its `questions` that nobody has begun to answer, whether one is `read` now,
    the file that it `hashes` for, how many are open, and what could not be sent so far, each with whether it
    closes a question."""

    supply: wire.Supply
    questions: deque[wire.Asked] = msgspec.field(default_factory=deque)
    read: bool = False
    hashes: int | None = None
    asked: int = 0
    waiting: deque[tuple[bytes, bool]] = msgspec.field(default_factory=deque)


class Giving:
    """`tell` takes an answer to a worker's agent; False: it takes nothing now."""

    def __init__(self, tell: Callable[[str, bytes], bool]) -> None:
        self._tell, self._loop = tell, asyncio.get_running_loop()
        self._given: dict[str, _Given] = {}
        self._readers, self._hasher = ThreadPoolExecutor(READERS, "giving"), ThreadPoolExecutor(1, "hashing")
        self._hashes: dict[tuple[str, int, int], str] = {}

    def begin(self, worker: str, supply: wire.Supply) -> None:
        """Its agent may ask for these."""
        self._given[worker] = _Given(supply)

    def asked(self, worker: str, question: wire.Asked) -> bool:
        """Its agent asks. False: for what it may not, or for too much at once."""
        given = self._given.get(worker)
        if given is None or not 0 <= question.file < len(given.supply.files) or given.asked >= AHEAD:
            return False
        if isinstance(question, wire.AskPiece):
            end = question.offset + question.count
            if not (0 <= question.offset < end <= given.supply.files[question.file].size):
                return False
            if question.count > PIECE:
                return False
        given.asked += 1
        given.questions.append(question)
        self._next(worker, given)
        return True

    def forget(self, worker: str) -> None:
        """It has ended."""
        self._given.pop(worker, None)

    def flush(self) -> None:
        """Try again what was not taken; to be called every now and then."""
        for worker in list(self._given):
            self._send(worker)

    def close(self) -> None:
        self._given.clear()
        for threads in (self._readers, self._hasher):
            threads.shutdown(wait=False, cancel_futures=True)

    def _next(self, worker: str, given: _Given) -> None:
        """One of its questions at a time: the answers are to come in their order."""
        if given.questions and not given.read:
            given.read, question = True, given.questions.popleft()
            file = given.supply.files[question.file]
            path = Path(file.origin) if file.origin else Path(given.supply.origin) / file.place
            given.hashes = question.file if isinstance(question, wire.AskHash) else None
            threads = self._readers if given.hashes is None else self._hasher
            threads.submit(self._answer, worker, question, path)

    # In a reader's thread.

    def _answer(self, worker: str, question: wire.Asked, path: Path) -> None:
        if worker not in self._given:
            return
        try:
            answer = self._piece(question, path) if isinstance(question, wire.AskPiece) else None
            if answer is None:
                answer = wire.Hash(question.file, self._hash(worker, path))
        except OSError as error:
            answer = wire.NotGiven(question.file, f"{path} cannot be read: {error.strerror}")
        self._bring(self._ready, worker, wire.encode(answer))

    def _piece(self, question: wire.AskPiece, path: Path) -> Answer:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, question.count, question.offset)
        finally:
            os.close(descriptor)
        if len(data) < question.count:
            return wire.NotGiven(question.file, f"{path} was cut off meanwhile")
        return wire.Piece(question.file, question.offset, data)

    def _hash(self, worker: str, path: Path) -> str:
        with path.open("rb", buffering=0) as data:
            found = os.fstat(data.fileno())
            key = str(path), found.st_size, found.st_mtime_ns
            if key in self._hashes:
                return self._hashes[key]
            digest, done = hashlib.sha256(), 0
            while chunk := data.read(CHUNK):
                if worker not in self._given:
                    return ""  # it has ended, and this may be long
                digest.update(chunk)
                if (done + len(chunk)) // ALIVE_BYTES > done // ALIVE_BYTES:
                    self._bring(self._get_on)
                done += len(chunk)
        self._hashes[key] = digest.hexdigest()
        return self._hashes[key]

    def _bring(self, take: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants it
            self._loop.call_soon_threadsafe(take, *what)

    # On the loop again.

    def _ready(self, worker: str, answer: bytes) -> None:
        if given := self._given.get(worker):
            given.waiting.append((answer, True))
            given.read, given.hashes = False, None
            self._send(worker)
            self._next(worker, given)

    def _get_on(self) -> None:
        """A sign of life to all who wait for a hash: one comes after the other."""
        for worker, given in self._given.items():
            if given.hashes is not None:
                given.waiting.append((wire.encode(wire.Hash(given.hashes)), False))
                self._send(worker)

    def _send(self, worker: str) -> None:
        given = self._given[worker]
        while given.waiting and self._tell(worker, given.waiting[0][0]):
            _, last = given.waiting.popleft()
            given.asked -= last
