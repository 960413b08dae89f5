"""The hidden probe in llama.cpp: the prompt with the beginning of an answer behind it, read in the sequence
that the answer goes on in. The answer finds the prompt read; the beginning is thrown away."""

from collections.abc import Sequence
from typing import Any

from ai_pal.protocol.options import GenerationOptions
from workers.engines.base import Sink
from workers.engines.llamacpp.answer import Generation
from workers.engines.llamacpp.completions import Complete
from workers.engines.llamacpp.request import STREAM
from workers.engines.llamacpp.template import Template, begun_thought
from workers.engines.uncertainty import LIKELIEST, entropy_among

LEAST_READ = 40
"""Tokens of the last message below which a probe costs more than it is worth: it takes about one step."""


def has_place(options: GenerationOptions, template: Template, rendered: str) -> bool:
    """Whether a plain answer can begin behind this prompt: no thought, no form, nothing given before it."""
    plain = not options.prefill and not options.tools and options.response_format is None
    return plain and not template.channels and begun_thought(rendered, template.marks) is None


class Trial:
    """The probe of one answer; `prompt` is how many tokens its prompt has."""

    def __init__(self, answer: Generation, sink: Sink, prompt: int, among: Sequence[str]) -> None:
        self._answer, self._sink, self._among, self._total = answer, sink, among, prompt
        self._entropy: float | None = None
        self._cached = 0
        self._seconds = 0.0

    def carry_out(self, complete: Complete, tokens: Sequence[int], where: dict[str, Any]) -> None:
        """Read the prompt and the beginning behind it, and look at what would come next. `where` names the
        sequence. What fails tells nothing: the answer is asked for all the same."""
        body = {"prompt": list(tokens), "n_predict": 1, "n_probs": 2 * LIKELIEST, "temperature": 0.0}
        complete(STREAM | body | where, self._take)
        if self._entropy is not None and not self._answer.cancelled:
            self._answer.begin_behind(self._entropy, self._cached, self._seconds)

    def _take(self, chunk: dict[str, Any]) -> bool:
        self._sink.step()
        if "prompt_progress" in chunk:
            progress, most = chunk["prompt_progress"], self._total - 1
            self._cached = min(progress["cache"], most)
            self._sink.reading(self._answer.key, min(progress["processed"], most), self._total)
        if timings := chunk.get("timings"):
            self._seconds = (timings.get("prompt_ms", 0.0) + timings.get("predicted_ms", 0.0)) / 1e3
        for choice in chunk.get("choices", ()):
            for one in (choice.get("logprobs") or {}).get("content") or ():
                top = [(each["token"], each["logprob"]) for each in one.get("top_logprobs", ())]
                if top and all(logprob is not None for _, logprob in top):
                    self._entropy = entropy_among(top, self._among)
        return self._answer.cancelled
