"""An answer that goes on where the client has begun it: what it has sent is not sent back."""

from collections.abc import Sequence

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.gateway.answering.filtered import Filtered, Keep
from ai_pal.gateway.asking.asked import Begin, Coming, chat
from ai_pal.gateway.asking.earlier_calls import as_it_reads
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message, Text


def begun(messages: Sequence[Message]) -> tuple[list[Message], str]:
    """The conversation without the turn of the assistant that it ends with, and what that says; a turn that
    has more than text stays. What only the system says is asked as if the user did: somebody has to."""
    *before, last = messages
    said = [message for message in messages if not is_blank(message)]
    if said and all(message.role == "system" for message in said):
        return [*said[:-1], Message("user", said[-1].content)], ""
    if last.role != "assistant" or not before:
        return list(messages), ""
    parts = [Text(last.content)] if isinstance(last.content, str) else last.content
    if not all(isinstance(part, Text) for part in parts):
        return list(messages), ""
    return before, "".join(part.text for part in parts if isinstance(part, Text))


def is_blank(message: Message) -> bool:
    """Whether a turn says nothing."""
    return not any(not isinstance(part, Text) or part.text.strip() for part in message.parts)


def going_on(messages: list[Message], given: str, how: Asking) -> Begin:
    """A conversation whose answer begins with `given`, which may be nothing."""
    asking: Asking = {**how, "prefill": given} if given else how
    ask = as_it_reads(lambda turns: chat(turns, asking), messages, how)
    if not given:
        return ask

    def begin(client: AsyncClient, said: Asking) -> Coming:
        return Filtered(ask(client, said), _without(given))

    return begin


def _without(given: str) -> Keep:
    left = given

    def keep(event: wire.AnyEvent) -> wire.AnyEvent | None:
        nonlocal left
        if not left or not isinstance(event, wire.Delta) or event.kind != "text":
            return event
        if event.text.startswith(left):
            left, told = "", event.text[len(left) :]
        elif left.startswith(event.text):
            left, told = left[len(event.text) :], ""
        else:
            left, told = "", event.text
        return msgspec.structs.replace(event, text=told) if told else None

    return keep
