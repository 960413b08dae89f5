"""llama.cpp through `xllamacpp`: one in-process server, one thread per running request."""

import os
import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code, Failure, fail, pip_install
from ai_pal.formats.gguf import Header, check_whole, read_header
from ai_pal.protocol.content import Message
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT, Generate, LoadModel, Ready
from workers import spin_throttle, threads
from workers.context_window import answer_room, fit
from workers.engines.base import POOR_DEFAULT_SYSTEM, Blob, Job, Sink
from workers.engines.llamacpp_answer import Generation, request_body
from workers.engines.llamacpp_http import TokenCounter, hidden
from workers.kv_budget import KvBudget
from workers.load_limits import limits
from workers.log import log

SMALLEST_CONTEXT = 8
"""With less it ends the process."""
DEFAULT_SLOTS = 4
PROMPT_CACHE_MIB = 256
BYTES_PER_SECOND_AND_THREAD = 18e9
"""Weights that one thread works through in a second of prefill, measured on a 2-core machine."""
SMALLEST_CHUNK, LARGEST_CHUNK_PER_THREAD = 8, 64
ERRORS_ONLY = 1
BYTES_PER_NUMBER = 4
"""At most, in the cache."""
SPINS = 1000
"""Turns that a thread waits before it sleeps: within a step they meet every few microseconds."""
SOCKET = "llamacpp-{pid}.sock"


class LoadOptions(msgspec.Struct, frozen=True):
    """`LoadModel.options`: tokens per prefill chunk (0 chooses), MiB kept of earlier prompts, and whether
    weights are copied into a faster layout (twice the memory, about twice the prefill speed)."""

    chunk: int = 0
    prompt_cache_mib: int = PROMPT_CACHE_MIB
    repack: bool = True


class LlamaCpp:
    """`_lock` guards `_answers` and `_cells`; the rest is set once by `load`."""

    def __init__(self) -> None:
        self._server: Any = None
        self._sink: Sink
        self._counter: TokenCounter
        self._context = 0
        self._no_system_message = False
        self._pool: ThreadPoolExecutor
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
        xllamacpp = _import()
        slots = spec.slots or DEFAULT_SLOTS
        self._context = _window(spec, header)
        key = secrets.token_hex()
        parameters = self._parameters(xllamacpp, spec, header, count)
        parameters.n_parallel = slots
        parameters.api_keys = [key]
        self._socket.unlink(missing_ok=True)
        with limits(header.size, header.kv_values * self._context * BYTES_PER_NUMBER):
            self._start(xllamacpp, parameters, spec.path)
            self._counter = TokenCounter(hidden(self._socket), key)
            self._no_system_message = self._has_poor_system_message()
        self._kv_budget = KvBudget(self._context)
        self._throttle = spin_throttle.start(count)
        self._pool = ThreadPoolExecutor(slots, "answer")
        sink.progress(1.0)
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(slots, self._context, time.monotonic() - started, name, count)

    def _start(self, xllamacpp: Any, parameters: Any, path: str) -> None:
        try:
            self._server = xllamacpp.Server(parameters)
        except (RuntimeError, ValueError, MemoryError) as error:
            fail(
                Code.MODEL_INVALID,
                f"llama.cpp cannot load {path}: {error or 'it wants far too much memory'}",
                "the file may be damaged or of an unknown architecture: fetch it again",
            )

    def _parameters(self, xllamacpp: Any, spec: LoadModel, header: Header, count: int) -> Any:
        options = load_options(spec)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = spec.path
        parameters.n_ctx = self._context
        parameters.kv_unified = True  # one conversation may use the whole window
        parameters.n_batch = parameters.n_ubatch = options.chunk or max(
            prefill_chunk(header.size, count), spec.slots or DEFAULT_SLOTS
        )
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = count
        parameters.cache_ram_mib = options.prompt_cache_mib
        parameters.no_extra_bufts = not options.repack
        # Text goes out as the model makes it, its thinking included.
        parameters.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
        parameters.force_pure_content_parser = True
        # The HTTP server cannot be left out, so it listens where nobody else can reach it.
        parameters.hostnames = [str(self._socket)]
        parameters.n_threads_http = 2
        parameters.ui = parameters.endpoint_slots = False
        parameters.verbosity = ERRORS_ONLY
        return parameters

    def _has_poor_system_message(self) -> bool:
        rendered = self._counter.render([Message("user", "x")])
        return any(mark in rendered for mark in POOR_DEFAULT_SYSTEM)

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        if not isinstance(job, Generate):
            fail(Code.UNSUPPORTED, "llama.cpp cannot do this here yet")
        request = job
        answer = Generation(request.key, self._sink)
        with self._lock:
            self._answers[request.key] = answer
            self._tell_throttle()
        self._pool.submit(self._run, request, answer)

    def cancel(self, key: int) -> None:
        with self._lock:
            if key in self._answers:
                self._answers[key].cancelled = True
                self._lock.notify_all()

    def close(self) -> None:
        self._socket.unlink(missing_ok=True)

    # One thread per request.

    def _run(self, request: Generate, answer: Generation) -> None:
        try:
            self._answer(request, answer)
        except AiPalError as error:
            answer.failure = error.failure
        except ValueError as error:
            answer.failure = Failure(Code.BAD_REQUEST, f"the engine refused the request: {error}")
        except Exception as error:  # noqa: BLE001 - engines raise anything, the worker goes on
            log("error", "the engine failed a request", request=request.key, reason=repr(error))
            answer.failure = Failure(Code.ENGINE_ERROR, f"the engine failed: {error}", retryable=True)
        with self._lock:
            self._kv_budget.leave(request.key)
            self._answers.pop(request.key, None)
            self._tell_throttle()
            self._lock.notify_all()
        answer.end()

    def _tell_throttle(self) -> None:
        if self._throttle is not None:
            self._throttle.working(bool(self._answers))

    def _answer(self, request: Generate, answer: Generation) -> None:
        room = answer_room(request.options, self._context)
        messages = self._with_system_message(request.messages)
        fitted = fit(messages, self._counter, self._context, room)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        if self._admitted(answer, fitted.messages, fitted.tokens, room):
            body = request_body(fitted.messages, request.options)
            self._server.handle_chat_completions(body, lambda chunk: self._chunk(answer, chunk))

    def _with_system_message(self, messages: list[Message]) -> list[Message]:
        if self._no_system_message and not any(one.role == "system" for one in messages):
            return [Message("system", ""), *messages]
        return messages

    def _admitted(self, answer: Generation, messages: list[Message], bound: int, room: int) -> bool:
        """Wait for room among the other requests; False when cancelled meanwhile."""
        with self._lock:
            if self._kv_budget.admit(answer.key, bound + room):
                return True
        need = self._counter.conversation(messages) + room
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
            log("error", "a chunk was not understood", request=answer.key, reason=repr(error))
            answer.failure = Failure(Code.ENGINE_ERROR, f"a chunk was not understood: {error!r}")
        return answer.cancelled or answer.stopped or answer.failure is not None


def load_options(spec: LoadModel) -> LoadOptions:
    """Raises `AiPalError` (`config_invalid`) for what is no option: a mistyped one would go unseen."""
    known = (*LoadOptions.__struct_fields__, "threads", "context", "slots")
    if unknown := sorted(set(spec.options) - set(known)):
        fail(
            Code.CONFIG_INVALID,
            f"llama.cpp has no model option {', '.join(unknown)}",
            f"there are: {', '.join(known)}",
        )
    try:
        options = msgspec.convert(spec.options, LoadOptions, strict=False)
    except msgspec.ValidationError as error:
        fail(Code.CONFIG_INVALID, f"a model option is wrong: {error}", f"there are: {', '.join(known)}")
    slots = spec.slots or DEFAULT_SLOTS
    if 0 < options.chunk < slots:  # llama.cpp would end the process
        message = f"a chunk of {options.chunk} tokens is too small: each of {slots} slots needs one"
        fail(Code.CONFIG_INVALID, message, "set a larger chunk, or fewer slots")
    return options


def prefill_chunk(model_bytes: int, threads: int) -> int:
    """Tokens that are computed between two looks at the cancel flag: well below a second of work."""
    tokens = int(BYTES_PER_SECOND_AND_THREAD * threads / max(model_bytes, 1))
    power_of_two = 1 << max(tokens.bit_length() - 1, 0)
    return min(max(power_of_two, SMALLEST_CHUNK), LARGEST_CHUNK_PER_THREAD * threads)


def _window(spec: LoadModel, header: Header) -> int:
    """Raises `AiPalError` (`config_invalid`)."""
    if 0 < spec.context < SMALLEST_CONTEXT:
        window = counted(spec.context, "token")
        message = f"a window of {window} is too small: llama.cpp needs {SMALLEST_CONTEXT}"
        fail(Code.CONFIG_INVALID, message, "set a larger context, or leave it to the model")
    trained = header.context or LARGEST_DEFAULT_CONTEXT
    if spec.options.get("context") and header.context and spec.context > header.context:
        # Asked for by name; a general setting is for models of every size, and held to each one's own.
        window = counted(spec.context, "token")
        message = f"a context of {window} is larger than the model's own, {header.context}"
        fail(Code.CONFIG_INVALID, message, f"ask for at most {header.context}, or leave it out")
    return min(spec.context, trained) if spec.context else min(trained, LARGEST_DEFAULT_CONTEXT)


def _import() -> Any:
    spin_throttle.prepare(SPINS)
    try:
        import xllamacpp
    except ImportError as error:
        fail(
            Code.ENGINE_MISSING,
            f"llama.cpp is not usable here: {error}",
            f"run: {pip_install('xllamacpp')} (it needs the system library libgomp1)",
        )
    return xllamacpp
