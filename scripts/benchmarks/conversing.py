"""Conversations for an engine in a process of its own, and what it tells of them."""

import msgspec

from ai_pal.protocol.content import Message
from scripts.benchmarks.children import Child
from scripts.benchmarks.streams import TOKENS, Stream


class Asked(msgspec.Struct):
    """Answers of `tokens` tokens each, all `together` or one after the other."""

    conversations: list[list[Message]]
    tokens: int = TOKENS
    together: bool = False


class Told(msgspec.Struct):
    """`seconds` for all of them; streams and texts in the order of the conversations."""

    seconds: float
    streams: list[Stream] = []
    texts: list[str] = []


def ask(
    engine: Child, conversations: list[list[Message]], tokens: int = TOKENS, together: bool = False
) -> Told:
    request = msgspec.json.encode(Asked(conversations, tokens, together)).decode()
    return engine.ask(request, Told)


def answer(engine: Child, conversation: list[Message], tokens: int = TOKENS) -> Stream:
    return ask(engine, [conversation], tokens).streams[0]
