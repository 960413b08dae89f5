"""A model asked in this process as a worker asks it, watched and probed. What came of each is kept in a file:
a run that was ended goes on where it was."""

import hashlib
import queue
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, TokenLogprob
from ai_pal.protocol.doubt import Doubt, Probe
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Generate, LoadModel
from workers import engines
from workers.engines.base import ANSWER, OpenPart
from workers.watching import Watching, json_wanted

CONTEXT, TOGETHER = 4096, 4


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
    def __init__(self, watching: Watching) -> None:
        self.watching, self.begun = watching, time.perf_counter()
        self.first = 0.0
        self.probe: float | None = None
        self.texts: list[str] = []


class Sink:
    """Collects what comes of each key; whole answers are put into `ended`."""

    def __init__(self) -> None:
        self.open: dict[int, _Open] = {}
        self.ended: queue.Queue[tuple[int, Told]] = queue.Queue()

    def step(self) -> None: ...
    def progress(self, fraction: float) -> None: ...
    def logprobs(self, key: int, tokens: list[TokenLogprob]) -> None: ...
    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None: ...
    def trimmed(self, key: int, dropped: int, context: int) -> None: ...
    def reading(self, key: int, done: int, total: int) -> None: ...
    def embedded(self, key: int, vectors: bytes, dimensions: int, usage: Usage) -> None: ...
    def reranked(self, key: int, scores: list[float], usage: Usage) -> None: ...
    def counted(self, key: int, tokens: int) -> None: ...
    def cancelled(self, key: int, usage: Usage) -> None: ...

    def delta(self, key: int, text: str, n: int = 1, part: OpenPart = ANSWER) -> None:
        one = self.open[key]
        one.first = one.first or time.perf_counter() - one.begun
        one.watching.hear(part.kind, text)
        if part.kind == "text":
            one.texts.append(text)

    def watched(self, key: int, entropies: Sequence[float], logprobs: Sequence[float]) -> None:
        self.open[key].watching.see(entropies, logprobs)

    def probed(self, key: int, entropy: float) -> None:
        self.open[key].probe = entropy

    def done(
        self,
        key: int,
        finish_reason: FinishReason,
        usage: Usage,
        prefill: float,
        decode: float,
        stop: str = "",
    ) -> None:
        one = self.open.pop(key)
        entropies, logprobs = one.watching.take()
        doubt = one.watching.doubt(finish_reason)
        text = "".join(one.texts)
        told = Told("", text, one.probe, entropies, logprobs, doubt, usage, one.first, prefill, decode)
        self.ended.put((key, told))

    def failed(self, key: int, failure: Failure) -> None:
        raise SystemExit(failure.message)


class Model:
    """A model file or folder, loaded by the engine that reads it."""

    def __init__(self, path: Path, slots: int = TOGETHER) -> None:
        self.engine = "transformers" if path.is_dir() else "llamacpp"
        self._sink, self._engine = Sink(), engines.create(self.engine)
        self._keys = iter(range(1, 1 << 30))
        self.ready = self._engine.load(
            LoadModel("m", self.engine, str(path), context=CONTEXT, slots=slots), self._sink
        )

    def ask(self, questions: Iterable[Asked], *, watch: bool = True) -> Iterator[Told]:
        """The answers, several at once, as they come."""
        running: dict[int, str] = {}
        for one in questions:
            if len(running) == self.ready.slots:
                yield self._next(running)
            key = next(self._keys)
            options = GenerationOptions(temperature=0.0, max_tokens=one.tokens)
            job = Generate(key, [Message("user", one.prompt)], options, watch=watch, probe=one.probe)
            self._sink.open[key] = _Open(Watching(json_wanted(job)))
            running[key] = one.id
            self._engine.start(job, ())
        while running:
            yield self._next(running)

    def _next(self, running: dict[int, str]) -> Told:
        key, told = self._sink.ended.get()
        return msgspec.structs.replace(told, id=running.pop(key))


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
        with self._file.open("ab") as file:
            for told in model.ask(lacking.values()):
                named = msgspec.structs.replace(told, id=_name(lacking[told.id]))
                self._told[named.id] = named
                file.write(msgspec.json.encode(named) + b"\n")
                file.flush()
                yield told


def _name(one: Asked) -> str:
    return f"{one.id}:{hashlib.sha256(msgspec.json.encode(one)).hexdigest()[:12]}"
