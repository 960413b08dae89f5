"""llama.cpp through `xllamacpp`: one in-process server, one thread per running request."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats.gguf import RANK, Header, check_whole, pooling_of, read_header
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.worker import (
    SAID_ON_STDERR,
    CompleteText,
    CountTokens,
    EmbedTexts,
    Generate,
    LoadModel,
    Ready,
    RerankTexts,
)
from workers import spin_throttle, threads
from workers.context_window import answer_room, fit
from workers.engines import llamacpp_template as templates
from workers.engines import llamacpp_vectors as vectors
from workers.engines.bare_calls import bare_calls
from workers.engines.base import POOR_DEFAULT_SYSTEM, Blob, Job, Sink
from workers.engines.llamacpp_answer import Generation, failure_of
from workers.engines.llamacpp_http import Asker, PromptCounter, RefusedError, TokenCounter, hidden
from workers.engines.llamacpp_infill import completion_chunk, text_body
from workers.engines.llamacpp_loading import (
    DEFAULT_SLOTS,
    import_xllamacpp,
    parameters_for,
    window,
)
from workers.engines.llamacpp_messages import plain_messages
from workers.engines.llamacpp_options import LARGEST
from workers.engines.llamacpp_request import (
    answer_body,
    forces_calls,
    prompt_body,
    stops_of,
    watched,
    with_place,
)
from workers.engines.llamacpp_template import Template, begun_thought
from workers.kv_budget import KvBudget
from workers.load_limits import limits
from workers.log import cause, log

DAMAGED = "if it is damaged, fetch it again; if its chat template is, set chat_template=FILE"
BYTES_PER_NUMBER = 4
"""At most, in the cache."""
SOCKET = "llamacpp-{pid}.sock"
COUNTERS = 2
"""Threads that count tokens."""


class LlamaCpp:
    """`_lock` guards `_answers` and `_cells`; the rest is set once by `load`."""

    def __init__(self) -> None:
        self._server: Any = None
        self._sink: Sink
        self._asker: Asker
        self._counter: TokenCounter
        self._template = Template()
        self._context = 0
        self._no_system_message = False
        self._pool: ThreadPoolExecutor
        self._counting: ThreadPoolExecutor
        self._lock = threading.Condition()
        self._answers: dict[int, Generation] = {}
        self._kv_budget: KvBudget
        self._throttle: spin_throttle.SpinThrottle | None = None
        self._socket = Path(SOCKET.format(pid=os.getpid())).absolute()

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Holds the GIL while llama.cpp loads. Raises `AiPalError` (`engine_missing`, `model_invalid`)."""
        started = time.monotonic()
        self._sink = sink
        sink.progress(0.0)
        header = read_header(Path(spec.path))
        check_whole(Path(spec.path))
        count = spec.threads or threads.default_count()
        xllamacpp = import_xllamacpp()
        slots = spec.slots or DEFAULT_SLOTS
        self._context = window(spec, header)
        key = secrets.token_hex()
        parameters = parameters_for(xllamacpp, spec, header, count, self._context)
        parameters.hostnames = [str(self._socket)]
        parameters.api_keys = [key]
        self._socket.unlink(missing_ok=True)
        with limits(header.size, header.kv_values * self._context * BYTES_PER_NUMBER):
            self._start(xllamacpp, parameters, spec.path, header)
            self._asker = Asker(hidden(self._socket), key)
            pooling = pooling_of(header)
            abilities = _of_vectors(pooling) if pooling else self._learned()
        self._kv_budget = KvBudget(self._context)
        self._throttle = spin_throttle.start(count)
        self._pool = ThreadPoolExecutor(slots, "answer")
        self._counting = ThreadPoolExecutor(COUNTERS, "count")
        sink.progress(1.0)
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(slots, self._context, time.monotonic() - started, name, count, abilities)

    def _start(self, xllamacpp: Any, parameters: Any, path: str, header: Header) -> None:
        try:
            self._server = xllamacpp.Server(parameters)
        except MemoryError:
            fail(Code.MODEL_INVALID, f"llama.cpp cannot load {path}: it wants far too much memory", DAMAGED)
        except (RuntimeError, ValueError):
            hint = (
                f"update AI-PAL if the model is newer than its llama.cpp ({xllamacpp.__version__}); {DAMAGED}"
            )
            message = f"llama.cpp cannot load {path} (architecture: {header.architecture or 'not told'})"
            raise AiPalError(Failure(Code.MODEL_INVALID, message, hint, detail=SAID_ON_STDERR)) from None

    def _learned(self) -> list[Ability]:
        """As `_learn`. Raises `AiPalError` (`model_invalid`) for a template that works with nothing."""
        try:
            return self._learn()
        except RefusedError as error:
            message = f"the model's chat template does not work: {error}"
            fail(
                Code.MODEL_INVALID,
                message,
                "set chat_template=FILE, a Jinja template, in the model's options",
            )

    def _learn(self) -> list[Ability]:
        """What a model that writes can do."""
        self._counter = TokenCounter(self._asker)
        about = self._asker.ask("/props")
        self._template = templates.look(
            str(about.get("chat_template", "")), about.get("chat_template_caps", {}), self._counter.render
        )
        rendered = self._counter.render({"messages": templates.QUESTION})
        self._no_system_message = any(mark in rendered for mark in POOR_DEFAULT_SYSTEM)
        abilities: list[Ability] = ["chat", "complete", "schema", "grammar", "documents", "logprobs"]
        if self._template.tools:
            abilities.append("tools")
        if self._template.thinks != "never":
            abilities.append("thinking")
        senses = about.get("modalities", {})
        abilities += ["images"] if senses.get("vision") else []
        abilities += ["audio"] if senses.get("audio") else []
        return [*abilities, "infill"] if self._can_infill() else abilities

    def _can_infill(self) -> bool:
        try:
            self._asker.ask("/infill", {"input_prefix": "a", "input_suffix": "b", "n_predict": 0})
        except RefusedError:
            return False
        return True

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        if isinstance(job, CountTokens):
            self._counting.submit(self._count, job, blobs)
            return
        answer = Generation(job.key, self._sink)
        with self._lock:
            self._answers[job.key] = answer
            self._tell_throttle()
        self._pool.submit(self._run, job, answer, blobs)

    def cancel(self, key: int) -> None:
        with self._lock:
            if key in self._answers:
                self._answers[key].cancelled = True
                self._lock.notify_all()

    def close(self) -> None:
        self._socket.unlink(missing_ok=True)

    # One thread per request.

    def _run(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        answer.failure = self._failure_of(job, lambda: self._do(job, answer, blobs))
        if isinstance(job, Generate | CompleteText):
            answer.failure = with_place(answer.failure, job.options)
        with self._lock:
            self._kv_budget.leave(job.key)
            self._answers.pop(job.key, None)
            self._tell_throttle()
            self._lock.notify_all()
        if answer.failure is not None or not isinstance(job, EmbedTexts | RerankTexts):
            answer.end()

    def _count(self, job: CountTokens, blobs: Sequence[Blob]) -> None:
        def count() -> None:
            counter = self._counter_of(job.options, blobs)
            self._sink.counted(job.key, counter.conversation(self._with_system_message(job.messages)))

        if failure := self._failure_of(job, count):
            self._sink.failed(job.key, failure)

    def _failure_of(self, job: Job, work: Callable[[], None]) -> Failure | None:
        """Do the work; why it failed, if it did."""
        try:
            work()
        except AiPalError as error:
            return error.failure
        except ValueError as error:
            return Failure(Code.BAD_REQUEST, f"the engine refused the request: {error}")
        except RefusedError as error:
            return failure_of(error.error or {"message": str(error)})
        except Exception as error:  # noqa: BLE001 - engines raise anything, the worker goes on
            log("error", "the engine failed a request", request=job.key, reason=cause(error))
            return Failure(Code.ENGINE_ERROR, f"the engine failed: {error}", retryable=True)
        with self._lock:
            answer = self._answers.get(job.key)
        return None if answer is None else answer.failure

    def _tell_throttle(self) -> None:
        if self._throttle is not None:
            self._throttle.working(bool(self._answers))

    def _do(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        match job:
            case Generate():
                self._answer(job, answer, blobs)
            case CompleteText():
                self._complete(job, answer)
            case EmbedTexts():
                vectors.embed(self._server, job, self._sink, lambda: answer.cancelled)
            case RerankTexts():
                vectors.rerank(self._server, job, self._sink, lambda: answer.cancelled)

    def _answer(self, request: Generate, answer: Generation, blobs: Sequence[Blob]) -> None:
        options = request.options
        counter = self._counter_of(options, blobs)
        messages = self._with_system_message(request.messages)
        room = answer_room(options, self._context)
        fitted = fit(messages, counter, self._context, room)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        prompt = self._prompt(fitted.messages, options, blobs)
        rendered = self._counter.render(prompt) if self._template.thinks != "never" else ""
        body = answer_body(options, self._template, rendered) | prompt
        if "thinking_budget_tokens" in body:
            # llama.cpp counts what the prompt has behind the tag, too: with less it skips part of the end
            begun = self._counter.content(begun_thought(rendered) or "")
            body["thinking_budget_tokens"] = min(body["thinking_budget_tokens"] + begun, LARGEST)
        stops = stops_of(options)
        if stops and self._template.thinks == "never" and "tools" not in prompt:
            body["stop"], stops = stops, []  # llama.cpp looks for them in thoughts and calls, too
        answer.configure(
            stops=stops,
            prefill=options.prefill,
            alternatives=options.logprobs or 0,
            forced=forces_calls(options),
            opened=begun_thought(rendered) is not None,
            thinks=self._template.unended and not options.prefill,
            watched=watched(options),
            bare=bare_calls(options),
        )
        if self._admitted(answer, lambda: counter.conversation(fitted.messages), fitted.tokens, room):
            self._server.handle_chat_completions(body, lambda chunk: self._chunk(answer, chunk))

    def _complete(self, request: CompleteText, answer: Generation) -> None:
        options = request.options
        body = text_body(request)
        answer.configure(
            stops=[],
            prefill=options.prefill,
            alternatives=options.logprobs or 0,
            watched=watched(options),
        )
        room = answer_room(options, self._context)
        texts = [request.prompt, request.suffix or "", options.prefill]
        bound = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + 1
        if not self._admitted(answer, lambda: min(bound, self._context - room), bound, room):
            return
        if request.suffix is None:
            self._server.handle_completions(body, lambda chunk: self._chunk(answer, chunk))
        else:
            self._asker.stream("/infill", body, lambda chunk: self._chunk(answer, completion_chunk(chunk)))

    def _prompt(
        self, messages: Sequence[Message], options: GenerationOptions, blobs: Sequence[Blob]
    ) -> dict[str, Any]:
        return prompt_body(plain_messages(messages, blobs, self._template.remembers), options, self._template)

    def _counter_of(self, options: GenerationOptions, blobs: Sequence[Blob]) -> PromptCounter:
        besides = len(options.prefill.encode("utf-8", "surrogatepass"))
        if options.tools and options.tool_choice != "none":
            besides += len(msgspec.json.encode(options.tools)) + 1024
        return PromptCounter(self._counter, lambda messages: self._prompt(messages, options, blobs), besides)

    def _with_system_message(self, messages: list[Message]) -> list[Message]:
        if self._no_system_message and not any(one.role == "system" for one in messages):
            return [Message("system", ""), *messages]
        return messages

    def _admitted(self, answer: Generation, exactly: Callable[[], int], bound: int, room: int) -> bool:
        """Wait for room among the other requests; False when cancelled meanwhile."""
        with self._lock:
            if self._kv_budget.admit(answer.key, bound + room):
                return True
        need = exactly() + room
        with self._lock:
            self._lock.wait_for(lambda: answer.cancelled or self._kv_budget.admit(answer.key, need))
            return not answer.cancelled

    def _chunk(self, answer: Generation, chunk: dict[str, Any]) -> bool:
        """The engine's callback; True ends the answer."""
        try:
            answer.take(chunk)
            with self._lock:
                answer.stopped = not self._kv_budget.grow(answer.key, answer.prompt_tokens + answer.tokens)
        except Exception as error:  # noqa: BLE001 - raised here, it would be swallowed
            log("error", "a chunk was not understood", request=answer.key, reason=cause(error))
            answer.failure = Failure(Code.ENGINE_ERROR, f"a chunk was not understood: {error!r}")
        return answer.cancelled or answer.stopped or answer.complete or answer.failure is not None


def _of_vectors(pooling: int) -> list[Ability]:
    """What a model can do that writes no text."""
    return ["rerank"] if pooling == RANK else ["embed"]
