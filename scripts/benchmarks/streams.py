"""One streamed answer as its reader sees it: when text came, and how much."""

import time
from collections.abc import Callable, Iterable

import msgspec

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

TOKENS = 64


class Stream(msgspec.Struct):
    """Seconds from asking to the first text, and tokens per second from there on."""

    first: float
    speed: float


def question(number: int) -> list[Message]:
    """Always another one, so that the prompt cache holds no more than the template."""
    return [Message("system", ""), Message("user", f"Tell me {number + 3} things about the sea.")]


def options(tokens: int = TOKENS) -> GenerationOptions:
    """Greedy, and going on to the last token."""
    return GenerationOptions(temperature=0.0, max_tokens=tokens, extra={"ignore_eos": True})


def timed(arrivals: Iterable[int], asked: float, limit: float = 1e9) -> Stream:
    """`arrivals` yields the number of tokens that came, each time some came. Reads for `limit` seconds."""
    count = first_count = 0
    first = last = asked
    for tokens in arrivals:
        last = time.perf_counter()
        if not count:
            first, first_count = last, tokens
        count += tokens
        if last - asked > limit:
            break
    spent = last - first
    return Stream(first - asked, (count - first_count) / spent if spent else 0.0)


def fresh(number: int, part: str = "") -> list[Message]:
    """A question whose very first words are new, so that no prompt cache helps."""
    guide = f"{number}{part} is your number, and you are a guide to the sea."
    return [Message("system", guide), Message("user", "Tell me about the sea, its ships and its harbours.")]


def through(client: Client, model: str, number: int, tokens: int = TOKENS, limit: float = 1e9) -> Stream:
    """One answer through client, supervisor and worker."""
    return told(client, model, question(number), tokens, limit)


def told(
    client: Client,
    model: str,
    messages: list[Message],
    tokens: int = TOKENS,
    limit: float = 1e9,
    how: GenerationOptions | None = None,
    escalate: wire.Escalate = "",
) -> Stream:
    """The same, of any conversation, and with any options."""
    asked = time.perf_counter()
    stream = client.chat(messages, model=model, options=how or options(tokens), escalate=escalate)
    try:
        return timed(_tokens(stream), asked, limit)
    finally:
        stream.close()


def _tokens(events: Iterable[wire.AnyEvent]) -> Iterable[int]:
    for event in events:
        if isinstance(event, wire.Delta):
            yield event.n
        elif isinstance(event, wire.Failed | wire.Interrupted):
            raise RuntimeError(event)


Measure = Callable[[int], Stream]
