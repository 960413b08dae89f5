"""llama.cpp through `xllamacpp`: one in-process server, one thread per running request."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ai_pal.errors import Code, Failure
from ai_pal.formats import adapters
from ai_pal.formats.gguf import check_whole, pooling_of, read_header
from ai_pal.formats.projector import projector_of
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import (
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
from workers.engines import llamacpp_vectors as vectors
from workers.engines.bare_calls import bare_calls
from workers.engines.base import Blob, Job, Sink
from workers.engines.llamacpp_answer import Generation
from workers.engines.llamacpp_attachments import Attachments
from workers.engines.llamacpp_failures import attempt
from workers.engines.llamacpp_infill import completion_chunk, text_body
from workers.engines.llamacpp_loading import (
    DEFAULT_SLOTS,
    import_xllamacpp,
    load_options,
    parameters_for,
    window,
)
from workers.engines.llamacpp_options import LARGEST
from workers.engines.llamacpp_prompts import Counting, Prompts, learned
from workers.engines.llamacpp_request import (
    answer_body,
    forces_calls,
    stop_list,
    stops_of,
    watched,
    with_place,
)
from workers.engines.llamacpp_server import Server
from workers.engines.llamacpp_template import CLOSE, begun_thought, bounded
from workers.engines.llamacpp_thoughts import thoughts_of
from workers.engines.llamacpp_trial import try_out
from workers.kv_budget import KvBudget
from workers.load_limits import limits
from workers.log import cause, log

BYTES_PER_NUMBER = 4
"""At most, in the cache."""


class LlamaCpp:
    """`_lock` guards `_answers` and `_cells`; the rest is set once by `load`."""

    def __init__(self) -> None:
        self._server: Server
        self._sink: Sink
        self._prompts: Prompts
        self._context = self._trained = 0
        self._pool: ThreadPoolExecutor
        self._counting: Counting | None = None
        self._lock = threading.Condition()
        self._answers: dict[int, Generation] = {}
        self._kv_budget: KvBudget
        self._throttle: spin_throttle.SpinThrottle | None = None

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Holds the GIL while llama.cpp loads. Raises `AiPalError` (`engine_missing`, `model_invalid`)."""
        started = time.monotonic()
        self._sink = sink
        sink.progress(0.0)
        header = read_header(Path(spec.path))
        check_whole(Path(spec.path))
        adapters.check(spec.options, spec.engine, spec.path)
        count = spec.threads or threads.default_count()
        xllamacpp = import_xllamacpp()
        slots = spec.slots or DEFAULT_SLOTS
        self._context, self._trained = window(spec, header), header.context
        projector = projector_of(Path(spec.path), header, load_options(spec).mmproj)
        parameters = parameters_for(xllamacpp, spec, header, count, self._context, projector)
        size = header.size + (projector.header.size if projector is not None else 0)
        with limits(size, header.kv_values * self._context * BYTES_PER_NUMBER):
            self._server = Server(xllamacpp, parameters, spec.path, header, projector)
            pooling = pooling_of(header)
            abilities = vectors.of_vectors(pooling) if pooling else self._learn()
        self._kv_budget = KvBudget(self._context)
        self._throttle = spin_throttle.start(count)
        self._pool = ThreadPoolExecutor(slots, "answer")
        sink.progress(1.0)
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(slots, self._context, time.monotonic() - started, name, count, abilities)

    def _learn(self) -> list[Ability]:
        """What a model that writes can do. Raises `AiPalError` (`model_invalid`)."""
        try_out(self._server.engine)
        self._prompts = learned(self._server.asker, self._context)
        self._counting = Counting(self._prompts, self._sink)
        return self._prompts.abilities

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        if isinstance(job, CountTokens):
            assert self._counting is not None  # a model that writes nothing cannot be asked for this
            self._counting.start(job, blobs)
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
        self._server.close()

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

    def _failure_of(self, job: Job, work: Callable[[], None]) -> Failure | None:
        """Do the work; why it failed, if it did."""
        if failure := attempt(job.key, work):
            return failure
        with self._lock:
            answer = self._answers.get(job.key)
        return None if answer is None else answer.failure

    def _tell_throttle(self) -> None:
        if self._throttle is not None:
            self._throttle.working(bool(self._answers))

    def _do(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        match job:
            case Generate():
                with Attachments(blobs) as attachments:
                    self._answer(job, answer, attachments)
            case CompleteText():
                self._complete(job, answer)
            case EmbedTexts():
                vectors.embed(self._server.engine, job, self._sink, lambda: answer.cancelled)
            case RerankTexts():
                vectors.rerank(self._server.engine, job, self._sink, lambda: answer.cancelled)

    def _answer(self, request: Generate, answer: Generation, attachments: Attachments) -> None:
        options = request.options
        prompts = self._prompts
        counter = prompts.counter(options, attachments)
        messages = prompts.with_system_message(request.messages)
        room = answer_room(options, self._context)
        fitted = fit(messages, counter, self._context, room, self._trained)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        prompt = prompts.body(fitted.messages, options, attachments)
        rendered = prompts.rendered(prompt) if prompts.template.thinks != "never" else ""
        body = answer_body(options, prompts.template, rendered) | prompt
        begun = begun_thought(rendered)
        if (budget := body.get("thinking_budget_tokens")) is not None:
            # llama.cpp counts what the prompt has behind the tag, too: with less it skips part of the end
            budget = min(budget + counter.content(begun or ""), LARGEST)
            body |= bounded(budget, prompts.template)
        stops = stops_of(options)
        if stops and prompts.template.thinks == "never" and "tools" not in prompt:
            body["stop"], stops = stops, []  # llama.cpp looks for them in thoughts and calls, too
        if prompts.turn_end:
            body["stop"] = [*stop_list(body.get("stop")), prompts.turn_end]
        answer.configure(
            stops=stops,
            prefill=options.prefill,
            alternatives=options.logprobs or 0,
            forced=forces_calls(options),
            opened=begun is not None,
            thoughts=thoughts_of(prompts.template, begun=begun is not None, prefilled=bool(options.prefill)),
            watched=watched(options),
            bare=bare_calls(options),
            ended=prompts.template.tagged
            and (budget is not None or bool(options.prefill) or rendered.rstrip().endswith(CLOSE)),
        )
        if self._admitted(answer, lambda: counter.conversation(fitted.messages), fitted.tokens, room):
            self._server.engine.handle_chat_completions(body, lambda chunk: self._chunk(answer, chunk))

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
            self._server.engine.handle_completions(body, lambda chunk: self._chunk(answer, chunk))
        else:
            self._server.asker.stream(
                "/infill", body, lambda chunk: self._chunk(answer, completion_chunk(chunk))
            )

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
