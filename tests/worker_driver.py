"""Plays the supervisor to one real worker process, over a real ROUTER socket."""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import zmq

from ai_pal.protocol.content import Message, TokenLogprob
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    AnyFromWorker,
    AnyToWorker,
    Beat,
    CancelGeneration,
    Counted,
    Deltas,
    Embedded,
    Generate,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    Probabilities,
    Probed,
    Reading,
    Ready,
    Reranked,
    Trimmed,
    Watched,
    WorkerHello,
    decode_from_worker,
    encode,
)
from tests.nursery import Forked, nursery
from workers.engines.base import Job

TIMEOUT = 240.0
OF_ECHO = ("tokens", "pace", "prefill_seconds")
"""Options with which one test asks every engine."""
End = GenerationDone | GenerationCancelled | GenerationFailed | Embedded | Reranked | Counted
Wanted = TypeVar("Wanted", bound=AnyFromWorker)


class Part(msgspec.Struct):
    """One part of an answer."""

    kind: str
    call: str = ""
    name: str = ""
    text: str = ""


class Answer(msgspec.Struct):
    """What came for one key. `seqs` holds (seq, n) of each delta, `grown` the parts by their index."""

    parts: list[str] = []
    grown: dict[int, Part] = {}
    logprobs: dict[int, TokenLogprob] = {}
    seqs: list[tuple[int, int]] = []
    ends: list[End] = []
    trimmed: Trimmed | None = None
    readings: list[Reading] = []
    entropies: list[float] = []
    probabilities: list[float] = []
    probed: list[float] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def seqs_end(self) -> int:
        """Tokens that have come."""
        return sum(self.seqs[-1]) if self.seqs else 0

    def of_kind(self, kind: str) -> list[Part]:
        """The parts of this kind, in their order."""
        return [self.grown[index] for index in sorted(self.grown) if self.grown[index].kind == kind]

    @property
    def end(self) -> End:
        assert len(self.ends) == 1
        return self.ends[0]


class WorkerDriver:
    """A context manager; the worker is killed at its end. Every wait has a limit, in seconds.

    One for an `engine` comes from its nursery, at once; else it is a program of its own."""

    def __init__(self, folder: Path, engine: str = "", cwd: Path | None = None) -> None:
        self.endpoint = f"ipc://{folder}/w.sock"
        self.cwd = cwd or folder
        self.answers: dict[int, Answer] = {}
        self.engine = "echo"
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, 64)
        self.socket.bind(self.endpoint)
        self._waiting: deque[AnyFromWorker] = deque()
        self._log = (folder / "worker.log").open("wb")
        self.log_path = folder / "worker.log"
        self.process = self._started(engine)

    def _started(self, engine: str) -> "subprocess.Popen[bytes] | Forked":
        if engine:
            log = self._log.fileno()
            streams = {1: log, 2: log}
            return nursery(engine).fork(worker_arguments(self.endpoint), self.cwd, streams, os.environ)
        command = worker_command(self.endpoint, os.getpid())
        return subprocess.Popen(command, cwd=self.cwd, stderr=self._log, stdout=self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)
        self.socket.close()
        self._context.term()
        self._log.close()

    def send(self, message: AnyToWorker | bytes, *blobs: bytes) -> None:
        if isinstance(message, LoadModel):
            self.engine = message.engine
        frame = message if isinstance(message, bytes) else encode(message)
        self.socket.send_multipart([b"w.0.1", frame, *blobs])

    def do(self, job: Job, *blobs: bytes) -> Answer:
        """Send a job of any kind and wait for its end."""
        self.answers[job.key] = Answer()
        self.send(job, *blobs)
        self.finish([job.key])
        return self.answers[job.key]

    def receive(self, timeout: float = TIMEOUT) -> AnyFromWorker:
        """The next message; fails when none comes in time."""
        if not self._waiting:
            if not self.socket.poll(int(timeout * 1000)):
                raise TimeoutError(self.log_path.read_text())
            identity, *frames = self.socket.recv_multipart()
            assert identity == b"w.0.1"
            self._waiting.extend(decode_from_worker(frame) for frame in frames)
        return self._waiting.popleft()

    def wait_for(self, kind: type[Wanted], timeout: float = TIMEOUT) -> Wanted:
        """The next message of this kind; the others on the way are noted or dropped."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.0, deadline - time.monotonic()))
            self._note(message)
            if isinstance(message, kind):
                return message

    def load(self, spec: LoadModel, timeout: float = TIMEOUT) -> Ready | LoadFailed:
        """With one thread, if none are asked for: several wait for each other beside other tests."""
        self.wait_for(WorkerHello)
        self.send(spec if spec.threads else msgspec.structs.replace(spec, threads=1))
        while True:
            message = self.receive(timeout)
            if isinstance(message, Ready | LoadFailed):
                return message

    def generate(self, key: int, said: str | list[Message], options: GenerationOptions | None = None) -> None:
        messages = [Message("user", said)] if isinstance(said, str) else said
        self.answers[key] = Answer()
        self.send(Generate(key, messages, self._known(options or GenerationOptions())))

    def _known(self, options: GenerationOptions) -> GenerationOptions:
        """Without what only echo knows, where it is not echo that answers: others refuse that."""
        if self.engine == "echo":
            return options
        kept = {name: value for name, value in options.extra.items() if name not in OF_ECHO}
        return msgspec.structs.replace(options, extra=kept)

    def cancel(self, key: int) -> None:
        self.send(CancelGeneration(key))

    def ask(self, key: int, said: str | list[Message], options: GenerationOptions | None = None) -> Answer:
        """Generate and wait for the end."""
        self.generate(key, said, options)
        self.finish([key])
        return self.answers[key]

    def finish(self, keys: Iterable[int], timeout: float = TIMEOUT) -> None:
        """Wait until all `keys` have ended."""
        deadline = time.monotonic() + timeout
        while not all(self.answers[key].ends for key in keys):
            self._note(self.receive(max(0.0, deadline - time.monotonic())))

    def settle(self) -> None:
        """Wait for two beats, behind which nothing older can be on its way."""
        for _ in range(2):
            self.wait_for(Beat)

    def _note(self, message: AnyFromWorker) -> None:
        match message:
            case Deltas():
                for item in message.items:
                    answer = self.answers[item.key]
                    assert not answer.ends, "text after the end"
                    text = msgspec.msgpack.decode(item.text, type=str)
                    part = answer.grown.setdefault(item.index, Part(item.kind, item.call, item.name))
                    assert (part.kind, part.call, part.name) == (item.kind, item.call, item.name)
                    part.text += text
                    if item.kind == "text":
                        answer.parts.append(text)
                    answer.seqs.append((item.seq, item.n))
            case Probabilities():
                answer = self.answers[message.key]
                assert not answer.ends, "probabilities after the end"
                seq, n = answer.seqs[-1]
                assert message.seq + len(message.tokens) <= seq + n, "probabilities before their text"
                answer.logprobs |= {message.seq + at: token for at, token in enumerate(message.tokens)}
            case Watched():
                answer = self.answers[message.key]
                assert not answer.ends, "numbers after the end"
                assert len(message.entropies) == len(message.logprobs)
                assert answer.seqs_end <= len(answer.entropies), "text before its numbers"
                answer.entropies += message.entropies
                answer.probabilities += message.logprobs
            case Probed():
                assert not self.answers[message.key].seqs, "the probe came after the first text"
                self.answers[message.key].probed.append(message.entropy)
            case Reading():
                answer = self.answers[message.key]
                assert not answer.seqs, "the prompt is read after the first text"
                assert not answer.ends, "the prompt is read after the end"
                answer.readings.append(message)
            case Trimmed():
                assert not self.answers[message.key].seqs, "trimmed after the first text"
                self.answers[message.key].trimmed = message
            case (
                GenerationDone()
                | GenerationCancelled()
                | GenerationFailed()
                | Embedded()
                | Reranked()
                | Counted()
            ):
                self.answers[message.key].ends.append(message)
            case _:
                pass


def worker_command(endpoint: str, parent: int | str) -> list[str]:
    """The command line that the supervisor's launcher uses."""
    command = [sys.executable, "-P", "-m", "workers", *worker_arguments(endpoint)]
    return [*command, "--parent", str(parent)]


def worker_arguments(endpoint: str) -> list[str]:
    """Less whose child it is."""
    return ["--endpoint", endpoint, "--worker", "w.0.1"]
