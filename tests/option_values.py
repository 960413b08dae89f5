"""Values that options are tried with, and which of them each takes; all others are refused, everywhere."""

import math
from typing import Any

VALUES: dict[str, Any] = {"0": 0, "-1": -1, "1": 1, "2^31": 2**31, "2^32": 2**32, "text": "x"}
VALUES |= {"nan": math.nan, "infinity": math.inf}
TAKEN = {
    "temperature": {"0", "1", "2^31", "2^32"},
    "top_p": {"0", "1"},
    "max_tokens": {"1", "2^31", "2^32"},
    "seed": {"0", "-1", "1", "2^31", "2^32"},
    "top_k": {"0", "-1", "1", "2^31", "2^32"},
    "min_p": {"0", "1"},
    "presence_penalty": {"0", "-1", "1", "2^31", "2^32"},
    "frequency_penalty": {"0", "-1", "1", "2^31", "2^32"},
    "repeat_penalty": {"1", "2^31", "2^32"},
    "logprobs": {"0", "1"},
    "thinking_budget": {"0", "1", "2^31", "2^32"},
    "context": {"1", "2^31", "2^32"},
    "prefill": {"text"},
}
"""By options. What is not here takes none of these: it is a list, a map, or one of a few words."""
