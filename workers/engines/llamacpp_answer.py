"""One answer of llama.cpp: the request it is asked with, and its chunks turned into reports."""

from typing import Any, Literal

from ai_pal.errors import Code, Failure
from ai_pal.protocol.content import FinishReason, Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from workers.engines.base import Sink
from workers.engines.llamacpp_options import check_options, held

RANDOM_SEED = 0xFFFFFFFF

ERRORS = {
    "exceed_context_size_error": Code.PROMPT_TOO_LARGE,
    "invalid_request_error": Code.BAD_REQUEST,
}


def request_body(messages: list[Message], options: GenerationOptions) -> dict[str, Any]:
    """The chat completion to ask for; `extra` may add to it, never change how it is streamed.

    Raises `AiPalError` (`bad_request`) for options that llama.cpp would not look at."""
    check_options(options.extra)
    body: dict[str, Any] = dict(options.extra)
    for name in ("temperature", "top_p", "max_tokens", "seed"):
        value = getattr(options, name)
        if value is not None:
            body[name] = value
    if body.get("seed") is not None:
        body["seed"] = seed_of(body["seed"])
    if stop := [text for text in options.stop if text]:
        body["stop"] = stop  # an empty text would end every answer before it began
    body["messages"] = [{"role": one.role, "content": one.text} for one in messages]
    body |= {"stream": True, "return_progress": True, "stream_options": {"include_usage": True}, "n": 1}
    return held(body)


def seed_of(seed: Any) -> Any:
    """A seed that llama.cpp keeps: it has 32 bits, and their largest value, so -1 too, means random."""
    return seed % RANDOM_SEED if isinstance(seed, int) else seed


class Generation:
    """Called with each chunk; `cancelled` is set from the worker's loop."""

    def __init__(self, key: int, sink: Sink) -> None:
        self.key = key
        self.cancelled = False
        self.stopped = False
        self.tokens = 0
        self.finish_reason: FinishReason | Literal[""] = ""
        self.failure: Failure | None = None
        self._sink = sink
        self._prompt = self._cached = 0
        self._prefill = self._decode = 0.0

    @property
    def prompt_tokens(self) -> int:
        return self._prompt

    def take(self, chunk: dict[str, Any]) -> None:
        """Report what the chunk brings."""
        self._sink.step()
        if "error" in chunk:
            self.failure = failure_of(chunk["error"])
            return
        for choice in chunk["choices"]:
            text = choice["delta"].get("content")
            if text and not self.cancelled:
                self.tokens += 1
                self._sink.delta(self.key, text)
            self.finish_reason = choice["finish_reason"] or self.finish_reason
        if "prompt_progress" in chunk:
            progress = chunk["prompt_progress"]
            self._prompt, self._cached = progress["total"], progress["cache"]
            self._sink.reading(self.key, progress["processed"], self._prompt)
        if "usage" in chunk:
            self._finish(chunk["usage"], chunk.get("timings", {}))

    def _finish(self, usage: dict[str, Any], timings: dict[str, Any]) -> None:
        self._prompt, self.tokens = usage["prompt_tokens"], usage["completion_tokens"]
        self._cached = timings.get("cache_n", self._cached)
        self._prefill = timings.get("prompt_ms", 0.0) / 1e3
        self._decode = timings.get("predicted_ms", 0.0) / 1e3

    def end(self) -> None:
        """Report how it ended, after the last chunk."""
        usage = Usage(self._prompt, self._cached, self.tokens)
        if self.failure is not None:
            self._sink.failed(self.key, self.failure)
        elif self.cancelled:
            self._sink.cancelled(self.key, usage)
        elif self.stopped or self.finish_reason:
            self._sink.done(
                self.key,
                self.finish_reason if self.finish_reason and not self.stopped else "length",
                usage,
                self._prefill,
                self._decode,
            )
        else:
            self._sink.failed(self.key, Failure(Code.ENGINE_ERROR, "the answer broke off", retryable=True))


def failure_of(error: dict[str, Any]) -> Failure:
    """What the engine's error object means."""
    code = ERRORS.get(str(error.get("type")), Code.ENGINE_ERROR)
    message = str(error.get("message", error))
    if code is Code.PROMPT_TOO_LARGE:
        prompt, window = error.get("n_prompt_tokens"), error.get("n_ctx")
        message = f"the prompt has {prompt} tokens, the model's window holds {window}"
    hint = "" if code is Code.ENGINE_ERROR else "change the request; the same one will fail again"
    return Failure(code, message, hint, retryable=code is Code.ENGINE_ERROR)
