"""The main loop of a worker process: owns its socket and its engine, and sends its heartbeat."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

import msgspec
import zmq

from ai_pal import __version__
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.frames import frames_behind
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import (
    EXIT_NEVER,
    EXIT_RETRY,
    AnyToWorker,
    Beat,
    CancelGeneration,
    CompleteText,
    CountTokens,
    EmbedTexts,
    FromWorker,
    Generate,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    Prepare,
    Ready,
    RerankTexts,
    WorkerHello,
    decode_to_worker,
    encode,
)
from ai_pal.transport import parent_death
from ai_pal.transport.listening import await_listener
from ai_pal.transport.sockets import receive_frames, send_frames
from workers import engines
from workers.engines.base import Blob, Engine, Job, SavesPrefixes
from workers.log import SERVING, cause, log
from workers.outbox import Outbox
from workers.pace import patience
from workers.refusals import check_able
from workers.repeats import Repeats
from workers.watching import Watching, json_wanted

BEAT_SECONDS = 1.0
RECEIVE_AT_ONCE = 64
SEND_QUEUE = 16
RECEIVE_QUEUE = 4096
LINGER_MS = 1000
CONNECT_SECONDS = 10.0
EXIT_OK = 0
SAVE_SECONDS = 2.5
"""For what was read of kept conversations, after SIGTERM; below what the supervisor waits until it kills."""
COUNTS_AT_ONCE = 64
"""Jobs that take no slot; the supervisor asks for one after the other."""


class Worker:
    """One model in one process. Everything here runs on the main thread but `_load`."""

    def __init__(self, endpoint: str, worker: str, parent: int) -> None:
        self._parent = parent
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, worker.encode())
        self._socket.setsockopt(zmq.SNDHWM, SEND_QUEUE)
        self._socket.setsockopt(zmq.RCVHWM, RECEIVE_QUEUE)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a supervisor that is gone does not come back
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        await_listener(endpoint, CONNECT_SECONDS)
        self._socket.connect(endpoint)
        self._outbox = Outbox()
        self._unsent: list[bytes] = []
        self._engine: Engine | None = None
        self._model = ""
        self._loading = False
        self._sampling = GenerationOptions()
        self._preparing: threading.Thread | None = None
        self._outcome: Ready | LoadFailed | None = None
        self._ready: Ready | None = None
        self._beat_at = time.monotonic() + BEAT_SECONDS
        self._exit: int | None = None
        self._saves = self._was_told = False

    def run(self) -> int:
        """Serve until the supervisor is gone or the load has failed; returns the exit code."""
        poller = zmq.Poller()
        poller.register(self._monitor, zmq.POLLIN)
        poller.register(self._outbox.wake_fd, zmq.POLLIN)
        self._unsent.append(encode(WorkerHello(os.getpid(), __version__)))
        while self._exit is None:
            self._flush()
            self._stop_repeating()  # behind the flush: what is reported after it wakes this loop again
            poller.register(self._socket, zmq.POLLIN | (zmq.POLLOUT if self._unsent else 0))
            due = 0.0 if self._unsent else self._outbox.pace.due
            ready = dict(poller.poll(patience(time.monotonic(), self._beat_at, due)))
            if self._outbox.wake_fd in ready:
                self._outbox.acknowledge()
            if ready.get(self._socket, 0) & zmq.POLLIN:
                self._receive()
            if self._outcome is not None:
                self._finish_load(self._outcome)
            if time.monotonic() >= self._beat_at:
                self._beat()
            if self._monitor in ready:
                self._exit = EXIT_OK
        self._close()
        return self._exit

    # Out.

    def _flush(self) -> None:
        """Send all that waits, unless the supervisor does not read: then the outbox fills and blocks."""
        frames = self._unsent or self._outbox.take()
        while frames:
            try:
                send_frames(self._socket, frames)
            except zmq.Again:
                self._unsent = frames
                return
            self._unsent = []
            frames = self._outbox.take()

    def _send(self, message: FromWorker) -> None:
        """Queue a message behind what has been reported so far."""
        self._unsent += [*self._outbox.take(held=True), encode(message)]

    def _beat(self) -> None:
        self._beat_at = time.monotonic() + BEAT_SECONDS
        if parent_death.orphaned(self._parent):
            self._exit = EXIT_OK
        if not self._unsent:
            self._send(Beat(self._outbox.steps, self._outbox.active))

    # In.

    def _receive(self) -> None:
        for _ in range(RECEIVE_AT_ONCE):
            try:
                frames = receive_frames(self._socket)
            except zmq.Again:
                return
            at = 0
            while at < len(frames):
                frame, at = frames[at].buffer, at + 1
                try:
                    message = decode_to_worker(frame)
                except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                    log("warning", "malformed message ignored", reason=cause(error), size=len(frame))
                    continue
                behind = frames_behind(message.messages) if isinstance(message, Generate | CountTokens) else 0
                self._handle(message, [blob.buffer for blob in frames[at : at + behind]], behind)
                at += behind

    def _handle(self, message: AnyToWorker, blobs: list[memoryview], behind: int) -> None:
        match message:
            case LoadModel():
                self._start_load(message)
            case Prepare():
                self._preparing = threading.Thread(target=self._prepare, args=(message.engine,), daemon=True)
                self._preparing.start()
            case Generate() | CompleteText() | EmbedTexts() | RerankTexts() | CountTokens():
                self._begin(message, blobs, behind)
            case CancelGeneration():
                self._outbox.cancel(message.key)
                if self._engine is not None and self._ready is not None:
                    self._engine.cancel(message.key)

    def _begin(self, job: Job, blobs: Sequence[Blob], behind: int) -> None:
        """Hand a job to the engine, or refuse it."""
        if self._engine is None or self._ready is None:
            return self._refuse(job.key, Failure(Code.BAD_REQUEST, "the model is not loaded yet"))
        if len(blobs) < behind:
            message = f"{behind} frames belong to the request, {len(blobs)} came with it"
            return self._refuse(job.key, Failure(Code.BAD_REQUEST, message))
        takes_slot = not isinstance(job, CountTokens)
        if busy := self._busy(self._ready, takes_slot):
            return self._refuse(job.key, Failure(Code.OVERLOADED, busy, retryable=True))
        job = self._with_sampling(job)
        if isinstance(job, Generate) and job.conversation:
            self._save_at_end()
        repeats = None
        if isinstance(job, Generate | CompleteText) and job.options.stop_repeating:
            repeats = Repeats("length" if job.options.response_format else "stop")
        watching = Watching(json_wanted(job)) if isinstance(job, Generate) and job.watch else None
        if not self._outbox.open(job.key, repeats, watching, takes_slot=takes_slot):
            log("warning", "a second request with an open key was ignored", request=job.key)
            return None
        try:
            check_able(job, self._ready, self._model)
            self._engine.start(job, blobs)
        except AiPalError as error:
            self._outbox.failed(job.key, error.failure)
        except Exception as error:  # noqa: BLE001 - engines raise anything, the worker goes on
            log("error", "the engine refused a request", request=job.key, reason=cause(error))
            self._outbox.failed(job.key, Failure(Code.ENGINE_ERROR, f"the engine failed: {error}"))
        return None

    def _busy(self, ready: Ready, takes_slot: bool) -> str:
        """Why there is no room for another job, or nothing."""
        if takes_slot:
            return f"all {ready.slots} slots are taken" if self._outbox.active >= ready.slots else ""
        return f"{COUNTS_AT_ONCE} counts are under way" if self._outbox.beside >= COUNTS_AT_ONCE else ""

    def _with_sampling(self, job: Job) -> Job:
        if isinstance(job, EmbedTexts | RerankTexts):
            return job
        options = job.options.over(self._sampling)
        return job if options is job.options else msgspec.structs.replace(job, options=options)

    def _stop_repeating(self) -> None:
        for key in self._outbox.repeating():
            if self._engine is not None:
                self._engine.cancel(key)

    def _refuse(self, key: int, failure: Failure) -> None:
        self._send(GenerationFailed(key, failure))

    # Load and end.

    def _start_load(self, spec: LoadModel) -> None:
        if self._loading:
            log("warning", "a second load was ignored", model=spec.model)
            return
        self._loading, self._sampling, self._model = True, spec.sampling, spec.model
        self._outbox.pace.interval = spec.delta_interval
        threading.Thread(target=self._load, args=(spec,), name="load", daemon=True).start()

    def _prepare(self, engine: str) -> None:
        try:
            engines.prepare(engine)
        except Exception as error:  # noqa: BLE001 - the load will meet it again, and report it
            log("warning", "the engine could not be imported ahead", engine=engine, reason=repr(error))

    def _load(self, spec: LoadModel) -> None:
        """Load beside the loop, so that beats and progress go out where the engine lets them."""
        if self._preparing is not None:
            self._preparing.join()  # two threads in one import trip over each other
        try:
            engine = engines.create(spec.engine, vocabulary=spec.vocabulary)
            outcome: Ready | LoadFailed = engine.load(spec, self._outbox)
            self._engine = engine
        except AiPalError as error:
            outcome = LoadFailed(error.failure)
        except Exception as error:  # noqa: BLE001 - engines raise anything, the worker goes on
            log("error", "the load broke off", model=spec.model, reason=repr(error))
            outcome = LoadFailed(_broken_off(spec.model, error))
        self._outcome = outcome
        self._outbox.wake()

    def _finish_load(self, outcome: Ready | LoadFailed) -> None:
        self._outcome = None
        self._send(outcome)
        if isinstance(outcome, LoadFailed):
            self._exit = EXIT_RETRY if outcome.failure.retryable else EXIT_NEVER
        else:
            log("debug", SERVING, model=self._model)
            self._ready = outcome

    def _save_at_end(self) -> None:
        """From now on SIGTERM is no end at once. Before there is anything to save it stays one: a load may
        hold the interpreter for long."""
        engine: object = self._engine
        if not self._saves and isinstance(engine, SavesPrefixes):
            self._saves = True
            signal.signal(signal.SIGTERM, self._told_to_end)

    def _told_to_end(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._exit, self._was_told = EXIT_OK, True
        self._outbox.wake()

    def _close(self) -> None:
        self._outbox.close()
        engine: object = self._engine
        if self._was_told and isinstance(engine, SavesPrefixes):
            engine.save_prefixes(SAVE_SECONDS)
        if self._engine is not None:
            self._engine.close()
        self._unsent += self._outbox.take(held=True)
        self._flush()
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close()
        self._context.term()  # waits for the last messages to leave, at most LINGER_MS


def _broken_off(model: str, error: Exception) -> Failure:
    """What the machine lacked at this moment may be there at the next; all else would come to the same."""
    if isinstance(error, MemoryError | OSError):
        return Failure(Code.ENGINE_ERROR, f"loading {model} failed: {error!r}", retryable=True)
    hint = "the model is damaged, or of a kind that this version does not know: see `ai-pal logs`"
    return Failure(Code.MODEL_INVALID, f"loading {model} failed: {error!r}", hint)
