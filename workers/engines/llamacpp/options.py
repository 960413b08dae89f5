"""The options of a request that llama.cpp's server reads; it ignores all others without a word."""

import mmap
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ai_pal.errors import Code, fail
from workers.engines.option_names import ELSEWHERE, nearest

KNOWN = frozenset(
    {
        *(
            "temperature",
            "top_k",
            "top_p",
            "min_p",
            "top_n_sigma",
            "typical_p",
            "min_keep",
            "samplers",
            "seed",
        ),
        *("dynatemp_range", "dynatemp_exponent", "xtc_probability", "xtc_threshold"),
        *("mirostat", "mirostat_tau", "mirostat_eta", "adaptive_target", "adaptive_decay"),
        *("repeat_last_n", "repeat_penalty", "frequency_penalty", "presence_penalty"),
        *("dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n", "dry_sequence_breakers"),
        *("n_predict", "max_tokens", "max_completion_tokens", "n_keep", "n_discard", "n_indent", "stop"),
        *("t_max_predict_ms", "t_max_prompt_ms", "ignore_eos", "logit_bias", "lora"),
        *(
            "grammar",
            "grammar_lazy",
            "grammar_triggers",
            "preserved_tokens",
            "json_schema",
            "response_format",
        ),
        *("n_probs", "post_sampling_probs", "logprobs", "top_logprobs", "backend_sampling"),
        *("cache_prompt", "id_slot", "verbose", "timings_per_token", "return_tokens", "response_fields"),
        *("speculative.n_min", "speculative.n_max", "speculative.p_min", "speculative.type"),
        *("tools", "tool_choice", "parallel_tool_calls", "parse_tool_calls", "functions", "function_call"),
        *(
            "chat_template",
            "chat_template_kwargs",
            "chat_format",
            "add_generation_prompt",
            "generation_prompt",
        ),
        *("continue_final_message", "enable_thinking", "reasoning_format", "reasoning_in_content"),
        *("reasoning_budget", "reasoning_effort", "thinking_budget_tokens", "thinking_forced_open"),
        *("model", "user", "metadata", "store"),
    }
)

LARGEST = (1 << 31) - 1

OURS = frozenset({"messages", "prompt", "stream", "stream_options", "return_progress", "n", "n_cmpl"})
"""What a request is about, and how its answer comes, is not for options to say."""


def check_options(names: Iterable[str]) -> None:
    """Raises `AiPalError` (`bad_request`) for what llama.cpp would not look at."""
    for name in names:
        if name in OURS:
            fail(Code.BAD_REQUEST, f"{name!r} is set by AI-PAL itself", "leave this option out")
        if name in KNOWN:
            continue
        near = nearest(name, KNOWN)
        if near or not _is_in_library(name):
            hint = f"did you mean {near}?" if near else "see the options of llama.cpp's server"
            fail(Code.BAD_REQUEST, f"llama.cpp has no option {name!r}", hint)


def held(body: dict[str, Any]) -> dict[str, Any]:
    """With whole numbers that llama.cpp can hold: it wraps larger ones round, and 2^32 tokens were none."""
    return {
        name: max(-LARGEST, min(value, LARGEST)) if type(value) is int and name != "seed" else value
        for name, value in body.items()
    }


@lru_cache(maxsize=256)
def _is_in_library(name: str) -> bool:
    """Whether a newer library may know the name: it is a text of its own in there. Errs on that side."""
    found = find_spec("xllamacpp")
    if name in ELSEWHERE or found is None or not found.origin:
        return False
    text = b"\0" + name.encode(errors="replace") + b"\0"
    return any(_holds(file, text) for file in Path(found.origin).parent.glob("*.so"))


def _holds(file: Path, text: bytes) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(text) >= 0
