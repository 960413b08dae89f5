"""Who answered, and what left this machine: as headers of the response, or where there is room for it later.
Pure."""

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.conversations.neutral import neutral_line
from ai_pal.conversations.receipts import MACHINE_TIER
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
    if started.remote and started.tier == MACHINE_TIER:
        found["mine"] = "yes"
    if started.score is not None:
        found["score"] = f"{started.score:.2f}"
    if answer is not None:
        found |= _spent(answer)
    return _headers(found)


def spent(done: wire.Done) -> Headers:
    """What is known at the end of a stream only."""
    return _headers(_spent(done))


def beside(known: Headers) -> bytes:
    """What came to be known after the headers had gone, as comments, which readers of events pass over: in
    UTF-8, as all of a stream is."""
    lines = [f": {name.decode()}: {value.decode('latin-1')}\n" for name, value in known]
    return "".join([*lines, "\n"]).encode() if known else b""


def within(data: bytes, known: Headers) -> bytes:
    """The same as a field of an object of JSON that is not empty."""
    body = data.rstrip()
    if not known or not body.endswith(b"}"):
        return data
    told = {name.decode().removeprefix("x-ai-pal-"): value.decode("latin-1") for name, value in known}
    return body[:-1] + b',"ai_pal":' + msgspec.json.encode(told) + b"}" + data[len(body) :]


def _headers(found: dict[str, str]) -> Headers:
    return [(f"x-ai-pal-{name}".encode(), _plain(value)) for name, value in found.items() if value]


def _spent(end: Answer | wire.Done) -> dict[str, str]:
    cost = "unknown" if end.cost is None else f"{end.cost:.6f}"
    doubt = "" if end.doubt is None else f"{end.doubt:.2f}"
    return {"cost": cost, "cached-tokens": str(end.usage.cached_tokens), "doubt": doubt}


def _plain(value: str) -> bytes:
    """As a header may hold it: names of models may be anything, and one character of control in it would be
    no answer at all."""
    return neutral_line(" ".join(value.split())).encode("latin-1", "replace")
