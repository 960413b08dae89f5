"""Who answered, and what left this machine, as headers of the response. Pure."""

from ai_pal.client.answer import Answer
from ai_pal.protocol import client as wire

Headers = list[tuple[bytes, bytes]]


def receipt(started: wire.Started | None, answer: Answer | None = None) -> Headers:
    """What is known of an answer when its headers go out; `answer` where all of it is there."""
    if started is None:
        return []
    found = {
        "model": started.model,
        "provider": started.provider,
        "tier": str(started.tier),
        "left-machine": "yes" if started.remote else "no",
        "why": started.why,
    }
    if started.score is not None:
        found["score"] = f"{started.score:.2f}"
    if answer is not None:
        found["cost"] = "unknown" if answer.cost is None else f"{answer.cost:.6f}"
        found["cached-tokens"] = str(answer.usage.cached_tokens)
    return [(f"x-ai-pal-{name}".encode(), _plain(value)) for name, value in found.items() if value]


def _plain(value: str) -> bytes:
    """As a header may hold it: names of models may be anything."""
    return " ".join(value.split()).encode("latin-1", "replace")
