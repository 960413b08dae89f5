"""Prompts of tokens, or of a text with pictures, where a projector is loaded. llama.cpp's own call takes one
text only then, so these go by another route, and what that tells is told as the call tells it."""

from collections.abc import Callable
from typing import Any

from workers.engines.llamacpp.request import stop_list
from workers.engines.unix_http import Asker, RefusedError

ROUTE = "/completion"
ENDED = ("eos", "word")
"""Why an answer has come to its end; else it was cut off."""
OF_ROUTE = {"response_fields"}
"""What the call has no eye for, and would take from the events."""

Each = Callable[[dict[str, Any]], bool]
Complete = Callable[[dict[str, Any], Each], None]


def go_on(asker: Asker, body: dict[str, Any], each: Each) -> None:
    """Tell `each` chunk, until it says that it has enough. What is refused is a chunk, too. A request waits
    for its slot without a word, as in the call: who watches the worker ends it."""
    asked = {name: value for name, value in body.items() if name not in OF_ROUTE}
    asked["stop"] = stop_list(body.get("stop"))
    try:
        asker.stream(ROUTE, asked, lambda event: each(chunk_of(event)), timeout=None)
    except RefusedError as error:
        each({"error": error.error or {"message": str(error)}})


def chunk_of(event: dict[str, Any]) -> dict[str, Any]:
    """What the route tells, in the form of the call."""
    if "error" in event:
        return event
    choice: dict[str, Any] = {"text": event.get("content", ""), "index": 0, "finish_reason": None}
    if probabilities := event.get("completion_probabilities"):
        choice["logprobs"] = {"content": probabilities}
    chunk: dict[str, Any] = {name: event[name] for name in ("timings", "prompt_progress") if name in event}
    chunk["choices"] = [choice]
    if event.get("stop"):
        choice["finish_reason"] = "stop" if event.get("stop_type") in ENDED else "length"
        cached = event.get("timings", {}).get("cache_n", 0)
        chunk["usage"] = {
            "prompt_tokens": event["tokens_evaluated"],
            "completion_tokens": event["tokens_predicted"],
            "prompt_tokens_details": {"cached_tokens": cached},
        }
    return chunk
