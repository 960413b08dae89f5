"""llama.cpp through `xllamacpp`: one in-process server, one thread per running request."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import Failure
from ai_pal.formats import adapters
from ai_pal.formats.gguf import check_whole, pooling_of, read_header
from ai_pal.formats.projector import projector_of
from ai_pal.protocol.doubt import MOST_PROBE_TOKENS, Probe
from ai_pal.protocol.options import Ability
from ai_pal.protocol.windows import slots_of, windows_of
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
from workers.engines.llamacpp_infill import most_tokens, text_body, tokens_body
from workers.engines.llamacpp_loading import (
    fingerprint,
    import_xllamacpp,
    keeps_prefixes,
    load_options,
    parameters_for,
    window,
)
from workers.engines.llamacpp_options import LARGEST
from workers.engines.llamacpp_parts import may_call
from workers.engines.llamacpp_prefixes import NUMBER, Prefixes
from workers.engines.llamacpp_probe import LEAST_READ, Trial, has_place
from workers.engines.llamacpp_prompts import Counting, Prompts, learned
from workers.engines.llamacpp_request import (
    answer_body,
    forces_calls,
    seen,
    stop_list,
    stops_of,
    watched,
    with_place,
)
from workers.engines.llamacpp_room import Room
from workers.engines.llamacpp_scoring import Scoring, beginning
from workers.engines.llamacpp_server import Server
from workers.engines.llamacpp_speculation import Speculation, speculation, try_draft
from workers.engines.llamacpp_template import begun_thought, bounded
from workers.engines.llamacpp_thoughts import thoughts_of
from workers.engines.llamacpp_trial import try_out
from workers.engines.uncertainty import LIKELIEST
from workers.kept_prefixes import KeptPrefixes
from workers.kv_budget import KvBudget, OwnWindows
from workers.load_limits import limits

BYTES_PER_NUMBER = 4
"""At most, in the cache."""
CACHE_BYTES = 2
"""Of a number, in the cache as it is made here."""


class LlamaCpp:
    """`_lock` guards `_answers` and what `_room` is left; the rest is set once by `load`."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._server: Server
        self._sink: Sink
        self._prompts: Prompts
        self._context = self._trained = 0
        self._pool: ThreadPoolExecutor
        self._counting: Counting | None = None
        self._lock = threading.Condition()
        self._answers: dict[int, Generation] = {}
        self._room: Room
        self._prefixes: Prefixes | None = None
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
        slots, windows = slots_of(spec), windows_of(spec)
        self._context, self._trained = window(spec, header), header.context
        options = load_options(spec)
        projector = projector_of(Path(spec.path), header, options.mmproj)
        guesses = speculation(spec, options.speculate, header, sees=projector is not None)
        parameters = parameters_for(xllamacpp, spec, header, count, self._context, projector, guesses)
        size = header.size + (projector.header.size if projector is not None else 0)
        cells = header.kv_values * self._context * windows
        if guesses.draft is not None:
            drafting = read_header(guesses.draft)
            size, cells = size + drafting.size, cells + drafting.kv_values * self._context
        with limits(size, cells * BYTES_PER_NUMBER):
            self._server = Server(xllamacpp, parameters, spec.path, header, projector)
            pooling = pooling_of(header)
            abilities = vectors.of_vectors(pooling) if pooling else self._learn(guesses)
        if keeps_prefixes(spec) and not pooling and guesses.draft is None and not guesses.ahead:
            token_bytes = header.kv_values * CACHE_BYTES
            files = KeptPrefixes(Path(spec.prefixes), spec.prefix_bytes, fingerprint(spec, parameters))
            self._prefixes = Prefixes(self._server.asker, files, token_bytes, self._prompts.tokens)
        budget = KvBudget(self._context) if windows == 1 else OwnWindows(self._context)
        # where tokens are guessed llama.cpp's own window is larger than that of a request
        most = self._context if guesses.most else math.inf
        self._room = Room(self._lock, budget, self._context, most)
        self._throttle = spin_throttle.start(count)
        self._pool = ThreadPoolExecutor(slots, "answer")
        sink.progress(1.0)
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(slots, self._context, time.monotonic() - started, name, count, abilities)

    def _learn(self, guesses: Speculation) -> list[Ability]:
        """What a model that writes can do. Raises `AiPalError` (`model_invalid`)."""
        try_out(self._server.engine)
        try_draft(self._server.engine, guesses)
        self._prompts = learned(self._server.asker, self._context, self._now)
        self._counting = Counting(self._prompts, self._sink)
        abilities = self._prompts.abilities
        return [one for one in abilities if one != "logprobs" or not guesses.most]

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

    def save_prefixes(self, seconds: float) -> None:
        """What runs is stopped for it."""
        if self._prefixes is None:
            return
        until = time.monotonic() + seconds
        with self._lock:
            for answer in self._answers.values():
                answer.cancelled = True
            self._lock.notify_all()
            self._lock.wait_for(lambda: not self._answers, timeout=seconds / 2)
        self._prefixes.save(until - time.monotonic())

    def close(self) -> None:
        self._server.close()

    # One thread per request.

    def _run(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        answer.failure = self._failure_of(job, lambda: self._do(job, answer, blobs))
        if isinstance(job, Generate | CompleteText):
            answer.failure = with_place(answer.failure, job.options)
        with self._lock:
            self._answers.pop(job.key, None)
            self._tell_throttle()
            self._room.leave(job.key)
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
                if self._prefixes is not None and job.conversation:
                    self._prompts.clock.carry_on(job.messages, self._prefixes.begun(job.conversation))
                with Attachments(blobs) as attachments:
                    self._answer(job, answer, attachments)
            case CompleteText():
                self._complete(job, answer)
            case EmbedTexts():
                if job.truncate:
                    texts = [beginning(self._server.asker, text, self._context) for text in job.texts]
                    job = msgspec.structs.replace(job, texts=texts)
                vectors.embed(self._server.engine, job, self._sink, lambda: answer.cancelled)
            case RerankTexts():
                vectors.rerank(self._server.engine, job, self._sink, lambda: answer.cancelled)

    def _answer(self, request: Generate, answer: Generation, attachments: Attachments) -> None:
        options = request.options
        prompts, server = self._prompts, self._server
        counter = prompts.counter(options, attachments)
        room = answer_room(options, self._context)
        fitted = fit(request.messages, counter, self._context, room, self._trained, trims=options.trim)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        prompt = prompts.body(fitted.messages, options, attachments)
        keeps = self._prefixes if request.conversation and not attachments.are_told else None
        probe = None if attachments.are_told else request.probe
        apart = prompts.apart(options)
        needed = keeps or probe or apart or prompts.template.thinks != "never"
        rendered = prompts.rendered(prompt, options) if needed else ""
        body = answer_body(
            options,
            prompts.template,
            rendered,
            left=lambda: self._context - counter.conversation(fitted.messages),
        )
        body |= prompt
        if request.watch:
            body |= seen(body, LIKELIEST)
        marks = prompts.template.marks
        begun = begun_thought(rendered, marks)
        if (budget := body.get("thinking_budget_tokens")) is not None:
            # llama.cpp counts what the prompt has behind the tag, too: with less it skips part of the end
            budget = min(budget + counter.content(begun or ""), LARGEST)
            body |= bounded(budget, prompts.template)
        if prompts.turn_end:
            body["stop"] = [*stop_list(body.get("stop")), prompts.turn_end]
        is_cut = apart and may_call(options)
        if is_cut:
            body |= prompts.calls.seen()
        answer.configure(
            stops=stops_of(options),  # llama.cpp looks for them in thoughts and calls, too, and tells none
            prefill=options.prefill,
            alternatives=options.logprobs if request.watch else options.logprobs or 0,
            watch=request.watch,
            forced=forces_calls(options),
            opened=begun is not None,
            thoughts=None
            if is_cut
            else thoughts_of(
                prompts.template, begun=begun is not None, prefilled=bool(options.prefill), apart=apart
            ),
            watched=watched(options),
            bare=bare_calls(options),
            cut=prompts.calls.of(options, begun=begun is not None) if is_cut else None,
            single=options.parallel_tool_calls is False,
            end=marks.close
            if marks is not None
            and (budget is not None or options.prefill or rendered.rstrip().endswith(marks.close))
            else "",
        )
        if self._room.admitted(answer, lambda: counter.conversation(fitted.messages), fitted.tokens, room):
            if keeps is not None:
                body |= keeps.begin(request.conversation, rendered, prompts.clock.begun(request.messages))
            last = fitted.messages[-1].text
            if (
                probe
                and has_place(options, prompts.template, rendered)
                and counter.content(last) >= LEAST_READ
            ):
                self._probe(probe, answer, rendered, body)
            if apart:
                body = tokens_body(body, prompts.to_be_read(rendered, prompt, attachments))
            ask = server.complete if apart else server.engine.handle_chat_completions
            self._room.ask(ask, body, answer)

    def _probe(self, probe: Probe, answer: Generation, rendered: str, body: dict[str, Any]) -> None:
        """In the sequence in which the answer goes on; what fails leaves the answer as it would be."""
        prompt, lead = self._prompts.tokens(rendered), self._prompts.lead(probe.lead)
        if len(lead) <= MOST_PROBE_TOKENS and len(prompt) + len(lead) + 1 < self._context:
            where = {name: body[name] for name in (NUMBER,) if name in body}
            trial = Trial(answer, self._sink, len(prompt), probe.among)
            trial.carry_out(self._server.complete, [*prompt, *lead], where)

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
        bound = most_tokens(request)
        if not self._room.admitted(answer, lambda: min(bound, self._context - room), bound, room):
            return
        if request.prompt_logprobs and not self._scored(request, answer):
            return
        if request.suffix is not None:
            body = tokens_body(body, self._prompts.around_gap(body["prompt"], request.suffix))
        elif self._prompts.as_tokens and isinstance(body["prompt"], str):
            body = tokens_body(body, self._prompts.tokens(body["prompt"]))
        self._room.ask(self._server.complete, body, answer)

    def _scored(self, request: CompleteText, answer: Generation) -> bool:
        """Tell how probable the prompt is; False when cancelled before that."""

        def score() -> None:
            complete, most = self._server.complete, request.options.logprobs or 0
            scoring = Scoring(request.key, self._sink, complete, most, lambda: answer.cancelled)
            scoring.tell(self._server.asker, request.prompt)

        return self._room.twice(answer, score)
