"""An answer in any order of events that the protocol allows, drawn from a `Random`, and what it says."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.gateway.asking.asked import Tells
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Alternative, FinishReason, PartKind, TokenLogprob, ToolCall
from ai_pal.protocol.usage import Usage

BATCHES = list[list[wire.AnyEvent]]
FAILURE = Failure(Code.PROVIDER_ERROR, "it caught fire", "ask again")
TEXTS = ("Hello", " world", "\n", " ", 'say "hi"', "\u2028 é", "data: [DONE]", "😀", "")
NAMES = ("weather", "search")
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"city": "Rome"},
    {"text": 'a}"{ é', "deep": {"list": [1, None]}},
)
ENDS: tuple[FinishReason, ...] = ("stop", "stop", "length", "content_filter")


class Said(NamedTuple):
    """`batches` are read one after the other; `failed` is one whose end is an error. The rest is what they
    say; `stop` is the stop text that ended it, `scored` the text whose tokens have probabilities."""

    batches: BATCHES
    text: str
    thoughts: str
    calls: list[ToolCall]
    reason: str
    stop: str
    failed: bool
    scored: str

    @property
    def cut(self) -> bool:
        """Whether what it said last may be half."""
        return self.reason in ("length", "content_filter")


def said(draw: random.Random, number: int = 0) -> Said:
    """One answer; its events have this `id`."""
    pieces = list(_pieces(draw))
    ends = draw.choice(("", "", "", "", "failed", "interrupted"))
    called = any(piece.kind == "tool_call" for piece in pieces)
    reason: str = draw.choice(ENDS)
    if called and reason == "stop":
        reason = "tool_calls"
    if reason in ("length", "content_filter") and pieces:
        pieces = pieces[: draw.randint(1, len(pieces))]
    if ends == "failed":
        pieces = [piece for piece in pieces if piece.kind == "reasoning"]
    scores = draw.random() < 0.4
    events, scored = _events(draw, number, pieces, scores=scores)
    stop = "END" if reason == "stop" and draw.random() < 0.3 else ""
    usage = Usage(prompt_tokens=3, cached_tokens=1, completion_tokens=len(events))
    last: dict[str, wire.AnyEvent] = {
        "": wire.Done(number, reason, usage, stop=stop),  # type: ignore[arg-type]
        "failed": wire.Failed(number, [FAILURE]),
        "interrupted": wire.Interrupted(number, FAILURE),
    }
    return Said(
        _batches(draw, [wire.Started(number, 1, "local", "small"), *events, last[ends]]),
        "".join(piece.text for piece in pieces if piece.kind == "text"),
        "".join(piece.text for piece in pieces if piece.kind == "reasoning"),
        _calls(pieces),
        reason,
        stop,
        bool(ends),
        scored,
    )


def _pieces(draw: random.Random) -> Iterator[wire.Delta]:
    """Parts begin one after the other; a call may go on behind what begins after it."""
    going: list[list[wire.Delta]] = []
    before: PartKind | None = None
    for index in range(draw.randint(0, 5)):
        kind: PartKind = draw.choice([one for one in ("text", "reasoning", "tool_call") if one != before])
        before = None if kind == "tool_call" else kind
        made = list(_part(draw, kind, index))
        if kind == "tool_call":
            yield made[0]
            going.append(made[1:])
            made = []
        while made or (going and draw.random() < 0.5):
            turn = draw.choice([*going, made] if made else going)
            if turn:
                yield turn.pop(0)
            going = [one for one in going if one]
    while going:
        turn = draw.choice(going)
        if turn:
            yield turn.pop(0)
        going = [one for one in going if one]


def written(writer: Tells, batches: BATCHES) -> bytes:
    """What a door writes of these, with signs of life between them, the first before all."""
    told = b""
    for place, batch in enumerate(batches):
        told += b"" if place % 3 else writer.alive(None)
        told += writer.events(batch)
    return told


def _piece(
    kind: PartKind, index: int, text: str, call: str = "", name: str = "", signature: str = ""
) -> wire.Delta:
    return wire.Delta(0, 0, 1, text, kind, index, call, name, signature)


def _part(draw: random.Random, kind: PartKind, index: int) -> Iterator[wire.Delta]:
    if kind == "tool_call":
        arguments = json.dumps(draw.choice(ARGUMENTS), indent=draw.choice((None, 1)))
        arguments = draw.choice(("", "", " ", "\n ")) + arguments + draw.choice(("", "", "\n"))
        name = draw.choice(NAMES)
        first = draw.randint(0, len(arguments)) if draw.random() < 0.3 else 0
        yield _piece(kind, index, arguments[:first], f"call_{index}", name)
        for text in _cut(draw, arguments[first:]):
            yield _piece(kind, index, text)
        return
    for _ in range(draw.randint(1, 3)):
        yield _piece(kind, index, draw.choice(TEXTS))
    if kind == "reasoning" and draw.random() < 0.3:
        yield _piece(kind, index, "", signature="signed")


def _cut(draw: random.Random, text: str) -> Iterator[str]:
    while text:
        length = draw.randint(1, len(text))
        yield text[:length]
        text = text[length:]


def _calls(pieces: list[wire.Delta]) -> list[ToolCall]:
    begun = [piece for piece in pieces if piece.call]
    return [
        ToolCall(
            one.call,
            one.name,
            "".join(p.text for p in pieces if p.kind == "tool_call" and p.index == one.index).strip(),
        )
        for one in begun
    ]


def _events(
    draw: random.Random, number: int, pieces: list[wire.Delta], *, scores: bool
) -> tuple[list[wire.AnyEvent], str]:
    events: list[wire.AnyEvent] = []
    scored = ""
    for seq, piece in enumerate(pieces):
        events.append(msgspec.structs.replace(piece, id=number, seq=seq))
        if scores and piece.kind == "text" and piece.text:
            token = TokenLogprob(piece.text.encode(), -0.5, top=[Alternative(b"x", -2.0)])
            events.append(wire.Logprobs(number, seq, [token]))
            scored += piece.text
    return events, scored


def _batches(draw: random.Random, events: list[wire.AnyEvent]) -> BATCHES:
    """Probabilities leave behind all text of their batch."""
    found: BATCHES = []
    while events:
        length = draw.randint(1, 4)
        batch, events = events[:length], events[length:]
        late = [event for event in batch if isinstance(event, wire.Logprobs)]
        ends = [event for event in batch if isinstance(event, wire.TERMINAL)]
        told = [event for event in batch if event not in late and event not in ends]
        found.append([*told, *late, *ends])
    return found


def numbered(events: BATCHES, number: int) -> BATCHES:
    """The same as the answer of this number."""
    return [[msgspec.structs.replace(event, id=number) for event in batch] for batch in events]
