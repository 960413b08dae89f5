"""Values that options and fields of requests are tried with, and which of them each takes; all others are
refused, everywhere."""

import math
from typing import Any

from ai_pal.protocol.options import Grammar, JsonObject, JsonSchema, Tool

VALUES: dict[str, Any] = {"missing": None, "text": "x", "true": True, "list": [1], "map": {"a": 1}}
VALUES |= {"0": 0, "-1": -1, "1": 1, "1.5": 1.5, "2^31": 2**31, "2^32": 2**32}
VALUES |= {"nan": math.nan, "infinity": math.inf}
ANY_NUMBER = {"missing", "0", "-1", "1", "1.5", "2^31", "2^32"}
NUMBER = ANY_NUMBER - {"-1"}
ANY_WHOLE, WHOLE = ANY_NUMBER - {"1.5"}, NUMBER - {"1.5"}
NOTHING, FLAG = {"missing"}, {"missing", "true"}

TAKEN = {
    "temperature": NUMBER,
    "top_p": {"missing", "0", "1"},
    "max_tokens": WHOLE - {"0"},
    "seed": ANY_WHOLE,
    "stop": NOTHING,
    "top_k": ANY_WHOLE,
    "min_p": {"missing", "0", "1"},
    "presence_penalty": ANY_NUMBER,
    "frequency_penalty": ANY_NUMBER,
    "repeat_penalty": NUMBER - {"0"},
    "logit_bias": NOTHING,
    "logprobs": {"missing", "0", "1"},
    "response_format": NOTHING,
    "tools": NOTHING,
    "tool_choice": NOTHING,
    "parallel_tool_calls": FLAG,
    "thinking": NOTHING,
    "thinking_budget": WHOLE,
    "context": {"missing", "1"},
    "prefill": {"missing", "text"},
    "stop_repeating": FLAG,
    "trim": FLAG,
    "lora": NOTHING,
    "extra": {"missing", "map"},
}
"""By the options of an answer, all of them."""

MADE: dict[str, list[Any]] = {
    "stop": [["x"], ["x" * 10_000]],
    "logit_bias": [{1: -1.5}, {1: -1.7e308, 2: 1.7e308}],
    "response_format": [JsonObject(), JsonSchema({"type": "boolean"}), Grammar('root ::= "a"')],
    "tools": [[Tool("look", "Looks.")]],
    "tool_choice": ["auto", "none"],
    "parallel_tool_calls": [False],
    "thinking": ["off", "on", "low", "medium", "high"],
    "stop_repeating": [False],
    "trim": [False],
    "lora": [["/nowhere.gguf=0.5"]],
}
"""Others that each takes: of those that are no number."""


def taken() -> list[tuple[str, str, Any]]:
    """Each value that each option takes, with its name: all options but `extra`, whose names are others'."""
    found = [(name, label, VALUES[label]) for name in TAKEN for label in VALUES if label in TAKEN[name]]
    found = [one for one in found if one[0] != "extra" and one[1] != "missing"]
    return found + [(name, repr(value)[:40], value) for name, values in MADE.items() for value in values]


FIELDS_TAKEN = {
    "deadline": {"missing", "1", "1.5", "2^31"},
    "keep_alive": {"missing", "-1", "0", "1", "1.5", "2^31"},
    "usual_keep_alive": {"missing", "-1", "0", "1", "1.5", "2^31"},
    "max_cost": NUMBER,
    "day_budget": NUMBER,
    "only": NOTHING,
    "pull_limit": WHOLE,
    "dimensions": WHOLE,
    "goal": NOTHING,
    "task": NOTHING,
    "escalate": NOTHING,
    "privacy": NOTHING,
    "principal": {"missing", "text"},
    "conversation": NOTHING,
    "pull": FLAG,
    "fallback": FLAG,
    "continuation": FLAG,
    "seams": FLAG,
    "prompt_logprobs": FLAG,
    "truncate": FLAG,
}
"""By the other fields of requests. 2^32 seconds are more than 100 years."""


def toml(value: Any) -> str:
    """A value as a file of settings or a preset says it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + "}"
        case str():
            return f'"{value}"'
    return str(value)
