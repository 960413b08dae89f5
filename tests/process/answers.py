"""What came of a request to the echo engine, and whether it is what was to come."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ai_pal.client import AnswerStream, Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from workers.engines.echo.text import reference

PROMPT = "one two three four five"
ENDLESS = 1_000_000
E = TypeVar("E", bound=wire.Event)


def slow(**extra: object) -> GenerationOptions:
    """An answer without end, a word every 10 ms, unless said otherwise."""
    return GenerationOptions(extra={"tokens": ENDLESS, "pace": 0.01} | extra)


def ask(client: Client, model: str = "echo", /, **extra: object) -> AnswerStream:
    """A request for an endless answer, unless said otherwise."""
    return client.chat(PROMPT, model=model, options=slow(**extra))


def until(events: Iterator[wire.AnyEvent], kind: type[E]) -> list[wire.AnyEvent]:
    """Events up to and with the first of this kind."""
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, kind):
            return seen
    raise AssertionError(f"no {kind.__name__} in {seen}")


def text_of(events: Iterable[wire.AnyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, wire.Delta))


def end_of(events: Sequence[wire.AnyEvent], kind: type[E]) -> E:
    """The one terminal event, which is the last and of this kind."""
    ends = [event for event in events if isinstance(event, wire.TERMINAL)]
    assert len(ends) == 1, ends
    assert events[-1] is ends[0]
    assert isinstance(ends[0], kind), ends[0]
    return ends[0]


def assert_exact_prefix(events: Iterable[wire.AnyEvent], prompt: str = PROMPT) -> None:
    """What was delivered is the beginning of the reference: nothing lost, doubled or changed."""
    deltas = [event for event in events if isinstance(event, wire.Delta)]
    tokens = 0
    for delta in deltas:
        assert delta.seq == tokens, f"a gap before token {delta.seq}: {tokens} expected"
        tokens += delta.n
    assert text_of(deltas) == "".join(reference([Message("user", prompt)], tokens))
