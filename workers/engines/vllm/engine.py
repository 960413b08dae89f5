"""The vLLM engine: a model over several nodes, of which this worker is the first. vLLM batches, and keeps
what it has read; here each job is a thread that passes on what comes."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import lru_cache
from http.client import HTTPException
from typing import Any

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol.content import Audio, FinishReason, Image, Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import CompleteText, CountTokens, Generate, LoadModel, Ready
from workers.context_window import answer_room, fit, shortened
from workers.engines.base import Blob, Job, Sink
from workers.engines.unix_http import Asker, RefusedError, UnixConnection
from workers.engines.vllm import chat
from workers.engines.vllm.command import SLOTS, gang_of
from workers.engines.vllm.server import Server
from workers.log import cause, log

LIFE_SECONDS = 5.0
"""Between two questions whether it is alive, while it works on something."""

REMEMBERED = 512
ALONE = "there is one process beside each card: docs/cluster.md"


class Vllm:
    """Implements `Engine`."""

    def __init__(self) -> None:
        self._sink: Sink
        self._asker: Asker
        self._counter: _Counter
        self._context = 0
        self._server: Server | None = None
        self._lock = threading.Lock()
        self._running: dict[int, _Answer] = {}
        self._wakes = threading.Event()

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Start its process on this node, and wait until those of all have loaded. Raises `AiPalError`."""
        began, self._sink = time.monotonic(), sink
        gang_of(spec)
        sink.progress(0.0)
        self._server = Server(spec)
        self._asker = self._server.ready(lambda: sink.progress(0.0))
        (model,) = self._asker.ask("/v1/models")["data"]
        self._context, version = int(model["max_model_len"]), self._asker.ask("/version").get("version", "")
        self._counter = _Counter(self._asker)
        sink.progress(1.0)
        threading.Thread(target=self._look, name="alive", daemon=True).start()
        seconds = time.monotonic() - began
        abilities: list[Any] = ["chat", "complete", "schema"]
        return Ready(spec.slots or SLOTS, self._context, seconds, f"vllm {version}", 1, abilities)

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Raises `AiPalError` (`unsupported`) for a job of another kind."""
        match job:
            case Generate() | CompleteText():
                answer = _Answer(job.key)
                with self._lock:
                    self._running[job.key] = answer
                self._wakes.set()
                self._in_thread(job.key, lambda: self._answer(job, answer))
            case CountTokens():
                self._in_thread(job.key, lambda: self._count(job))
            case _:
                fail(Code.UNSUPPORTED, "vLLM was asked for what its model was not loaded for", ALONE)

    def cancel(self, key: int) -> None:
        with self._lock:
            answer = self._running.get(key)
        if answer is not None:
            answer.cancel()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def _in_thread(self, key: int, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except AiPalError as error:
                self._sink.failed(key, error.failure)
            except RefusedError as error:
                self._sink.failed(key, chat.failure_of(error.status, error.error))
            except Exception as error:  # noqa: BLE001 - whatever it is, this job alone has failed
                log("error", "the engine failed a request", request=key, reason=cause(error))
                self._sink.failed(key, Failure(Code.ENGINE_ERROR, f"vLLM failed: {error}", retryable=True))

        threading.Thread(target=run, name=f"job {key}", daemon=True).start()

    def _count(self, job: CountTokens) -> None:
        counter, room = self._counter.of(job.options), answer_room(job.options, self._context)
        fitted = shortened(job.messages, counter, self._context, room, trims=job.options.trim)
        self._sink.counted(job.key, counter.conversation(fitted.messages))

    def _answer(self, job: Generate | CompleteText, answer: "_Answer") -> None:
        began = time.monotonic()
        try:
            route, body = self._asked(job)
            if job.options.prefill:
                self._sink.delta(job.key, job.options.prefill, 0)
            self._asker.stream(
                route, body, lambda event: self._heard(answer, event), timeout=None, opened=answer.opened
            )
            chat.check_finished(answer.reason)
        except (AiPalError, OSError, HTTPException):
            if not answer.cancelled:
                raise
        finally:
            with self._lock:
                del self._running[job.key]
        if answer.cancelled:
            self._sink.cancelled(job.key, answer.usage)
            return
        read, end = answer.first_at or time.monotonic(), time.monotonic()
        reason: FinishReason = "length" if answer.reason == "length" else "stop"
        self._sink.done(job.key, reason, answer.usage, read - began, end - read, answer.stop)

    def _asked(self, job: Generate | CompleteText) -> tuple[str, dict[str, Any]]:
        """The route and the body; a conversation that is too long loses its oldest turns."""
        if isinstance(job, CompleteText):
            return "/v1/completions", chat.completion_body(job)
        room = answer_room(job.options, self._context)
        counter = self._counter.of(job.options)
        fitted = fit(job.messages, counter, self._context, room, trims=job.options.trim)
        if fitted.dropped:
            self._sink.trimmed(job.key, fitted.dropped, self._context)
        return "/v1/chat/completions", chat.chat_body(fitted.messages, job.options)

    def _heard(self, answer: "_Answer", event: dict[str, Any]) -> bool:
        """Pass on what it says; whether that is enough."""
        if error := event.get("error"):
            raise AiPalError(chat.failure_of(int(error.get("code") or 500), error))
        self._sink.step()
        before, answer.usage = answer.usage.completion_tokens, chat.usage_of(event) or answer.usage
        for choice in event.get("choices", ()):
            if text := chat.text_of(choice):
                answer.first_at = answer.first_at or time.monotonic()
                self._sink.delta(answer.key, text, max(1, answer.usage.completion_tokens - before))
            answer.reason = choice.get("finish_reason") or answer.reason
            if isinstance(choice.get("stop_reason"), str):
                answer.stop = choice["stop_reason"]
        return answer.cancelled

    def _look(self) -> None:
        """While it reads a long prompt nothing comes: it is asked whether it is alive."""
        while True:
            self._wakes.wait()
            with self._lock:
                if not self._running:
                    self._wakes.clear()
                    continue
            with contextlib.suppress(OSError):
                self._asker.status("/health")
                self._sink.step()
            time.sleep(LIFE_SECONDS)


class _Answer:
    """One that comes; `cancel` may come from another thread at any time."""

    def __init__(self, key: int) -> None:
        self.key, self.usage = key, Usage()
        self.reason: str | None = None
        self.stop, self.first_at, self.cancelled = "", 0.0, False
        self._connection: UnixConnection | None = None

    def opened(self, connection: UnixConnection) -> None:
        """It comes over this one: who ends it ends the computing."""
        self._connection = connection
        if self.cancelled:
            self.cancel()

    def cancel(self) -> None:
        self.cancelled = True
        if self._connection is not None:
            with contextlib.suppress(OSError, AttributeError):  # it has ended
                self._connection.sock.shutdown(socket.SHUT_RDWR)


class _Counter:
    """Implements `context_window.Counter`: vLLM counts with the model's own tokenizer and template, what a
    request with these options would be."""

    _options = GenerationOptions()

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self.content = lru_cache(maxsize=REMEMBERED)(self._content)
        question, answer = {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}
        self.fixed = self.rendered([question])
        try:
            self.per_message = max(0, self.rendered([question, answer, question]) - self.fixed)
        except RefusedError:  # a template for a single question
            self.per_message = self.fixed

    def of(self, options: GenerationOptions) -> "_Counter":
        """That of a request."""
        one = copy(self)
        one._options, one.fixed = options, self.fixed + len(options.prefill.encode("utf-8", "surrogatepass"))
        return one

    def conversation(self, messages: Sequence[Message]) -> int:
        return int(self._asker.ask("/tokenize", chat.count_body(messages, self._options))["count"])

    def rendered(self, messages: list[dict[str, Any]]) -> int:
        """Tokens of the prompt that these become."""
        return int(self._asker.ask("/tokenize", {"model": "model", "messages": messages})["count"])

    def attachment(self, part: Image | Audio) -> int:
        fail(Code.UNSUPPORTED, "this model was loaded without what it would see or hear with")

    def _content(self, text: str) -> int:
        body = {"model": "model", "prompt": text, "add_special_tokens": False}
        return int(self._asker.ask("/tokenize", body)["count"])
