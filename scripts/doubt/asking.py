"""A model asked in this process as a worker asks it, watched and probed. What came of each is kept in a file:
a run that was ended goes on where it was."""

import hashlib
import os
import select
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Doubt, Probe
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from workers import engines
from workers.outbox import Outbox
from workers.watching import Watching, json_wanted

WINDOW, TOGETHER = 1024, 4
"""Tokens of the window of each question, and how many are asked at once."""


class Asked(msgspec.Struct, frozen=True):
    """A question, with how long its answer may be."""

    id: str
    prompt: str
    tokens: int
    probe: Probe | None = None


class Told(msgspec.Struct, frozen=True):
    """What came: the numbers per token, those of the whole answer, and seconds."""

    id: str
    text: str
    probe: float | None
    entropies: list[float]
    logprobs: list[float]
    doubt: Doubt
    usage: Usage
    first: float
    prefill: float
    decode: float


class _Open:
    """What has come of one question."""

    def __init__(self, name: str) -> None:
        self.name, self._begun = name, time.perf_counter()
        self._first = 0.0
        self._probe: float | None = None
        self._texts: list[str] = []
        self._entropies: list[float] = []
        self._logprobs: list[float] = []

    def take(self, message: inner.AnyFromWorker | inner.DeltaItem) -> Told | None:
        """The whole, with its end."""
        match message:
            case inner.Probed():
                self._probe = message.entropy
            case inner.Watched():
                self._entropies += message.entropies
                self._logprobs += message.logprobs
            case inner.DeltaItem():
                self._first = self._first or time.perf_counter() - self._begun
                if message.kind == "text":
                    self._texts.append(msgspec.msgpack.decode(message.text, type=str))
            case inner.GenerationFailed():
                raise SystemExit(message.failure.message)
            case inner.GenerationDone():
                return Told(
                    self.name,
                    "".join(self._texts),
                    self._probe,
                    self._entropies,
                    self._logprobs,
                    message.doubt or Doubt(),
                    message.usage,
                    self._first,
                    message.prefill,
                    message.decode,
                )
            case _:
                pass
        return None


class Model:
    """A model file or folder, loaded by the engine that reads it."""

    def __init__(self, path: Path, slots: int = TOGETHER, threads: int = 0) -> None:
        name = "transformers" if path.is_dir() else "llamacpp"
        self._outbox, self._engine = Outbox(), engines.create(name)
        self._keys = iter(range(1, 1 << 30))
        context = slots * WINDOW
        load = inner.LoadModel("m", name, str(path), context=context, slots=slots, threads=threads)
        self._slots = self._engine.load(load, self._outbox).slots
        self._open: dict[int, _Open] = {}

    def ask(self, questions: Iterable[Asked], *, watch: bool = True) -> Iterator[Told]:
        """The answers, several at once, as they come."""
        for one in questions:
            while len(self._open) >= self._slots:
                yield from self._come()
            key = next(self._keys)
            options = GenerationOptions(temperature=0.0, max_tokens=one.tokens)
            job = inner.Generate(key, [Message("user", one.prompt)], options, watch=watch, probe=one.probe)
            self._outbox.open(key, watching=Watching(json_wanted(job)) if watch else None)
            self._open[key] = _Open(one.id)
            self._engine.start(job, ())
        while self._open:
            yield from self._come()

    def _come(self) -> Iterator[Told]:
        """Wait for what the engine says, and tell what is whole."""
        select.select([self._outbox.wake_fd], [], [])
        self._outbox.acknowledge()
        for frame in self._outbox.take():
            message = inner.decode_from_worker(frame)
            for one in message.items if isinstance(message, inner.Deltas) else [message]:
                key = getattr(one, "key", 0)
                told = self._open[key].take(one) if key in self._open else None
                if told is not None:
                    del self._open[key]
                    yield told


def fingerprint(path: Path) -> str:
    """Of a model file by its size and its ends; of a folder by its weights."""
    file = max(path.glob("*.safetensors"), key=lambda one: one.stat().st_size) if path.is_dir() else path
    digest = hashlib.sha256(str(file.stat().st_size).encode())
    with file.open("rb") as opened:
        digest.update(opened.read(1 << 20))
        opened.seek(-min(1 << 20, file.stat().st_size), 2)
        digest.update(opened.read())
    return digest.hexdigest()[:16]


class Kept:
    """What was told before, by the id of the question and all that the answer depends on."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{name}.jsonl"
        self._told: dict[str, Told] = {}
        if self._file.exists():
            for line in self._file.read_bytes().splitlines():
                try:
                    told = msgspec.json.decode(line, type=Told)
                except msgspec.DecodeError:  # the run was ended in the middle of it
                    continue
                self._told[told.id] = told

    def of(self, questions: Sequence[Asked]) -> dict[str, Told]:
        """Those that are there, by their question's id."""
        return {one.id: self._told[_name(one)] for one in questions if _name(one) in self._told}

    def fill(self, model: Model, questions: Sequence[Asked]) -> Iterator[Told]:
        """Ask what is lacking; tells of each as it is kept."""
        lacking = {one.id: one for one in questions if _name(one) not in self._told}
        with self._file.open("ab+") as file:
            self._end_line(file)
            for told in model.ask(lacking.values()):
                named = msgspec.structs.replace(told, id=_name(lacking[told.id]))
                self._told[named.id] = named
                file.write(msgspec.json.encode(named) + b"\n")
                file.flush()
                yield told

    @staticmethod
    def _end_line(file: BinaryIO) -> None:
        """What was broken off stays a line of its own."""
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def _name(one: Asked) -> str:
    return f"{one.id}:{hashlib.sha256(msgspec.json.encode(one)).hexdigest()[:12]}"
