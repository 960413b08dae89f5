"""Responses: events of a stream, or one body. Pure but for the time that it tells."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.client.parts import Parts
from ai_pal.errors import Code, Failure, main_reason
from ai_pal.gateway.answering.in_turn import InTurn, Patience, Piece, in_order
from ai_pal.gateway.answering.open_parts import OpenPart, OpenParts, says_nothing
from ai_pal.gateway.openai.chat_answer import progress
from ai_pal.gateway.openai.responses.output import Call, Item, Message, Thoughts
from ai_pal.gateway.wire.one_line import one_line
from ai_pal.gateway.wire.statuses import sentence, status_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message as Turn
from ai_pal.protocol.content import Reasoning, Text, TokenLogprob, ToolCall
from ai_pal.protocol.usage import Usage

_json = msgspec.json.encode

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}

Keep = Callable[[dict[str, Any], Turn], None]
"""Keeps a response, and the answer as a turn of its conversation."""


class Wishes(NamedTuple):
    """What of thoughts is told: as a summary, with `encrypted_content`; whether how probable the text is."""

    summary: bool = False
    sealed: bool = False
    probable: bool = False


class ResponseStream:
    """Writes one response. `fields` is what it repeats of its request."""

    media_type = "text/event-stream"

    def __init__(
        self, answer_id: str, model: str, fields: dict[str, Any], wishes: Wishes, keep: Keep
    ) -> None:
        self._id, self._model, self._fields, self._wishes, self._keep = answer_id, model, fields, wishes, keep
        self._created = int(time.time())
        self._count = 0
        self._items: list[Item] = []
        self._output: list[dict[str, Any]] = []
        self._turn, self._open = InTurn(), OpenParts()
        self._parts = Parts()
        self._holds, self._patience = wishes.probable, Patience()
        self._worked = False
        self._last: dict[str, Any] | None = None

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        told = b"".join(map(self._event, in_order(events)))
        if not self._holds or not self._patience.ends(events):
            return told
        self._holds = False
        return told + self._settled()

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """How far it is, as a comment, and that it goes on."""
        return f": {progress(latest)}\n\n".encode() + self.goes_on()

    def goes_on(self) -> bytes:
        """That it does, as an event: Codex waits for events, and gives up after five minutes without one. A
        response that is told once more replaces all that was told of it, so where an item has begun, nothing
        is added to that."""
        if self._waits:
            return self._settled()
        if self._items:
            return self._of(len(self._items) - 1, [self._items[-1].nothing()])
        if not self._count:
            return self._begin()
        status = "in_progress" if self._worked else "queued"
        return self._say(status, response=self._response(status))

    def broken(self, failure: Failure) -> bytes:
        """The response has failed; in the background that is kept."""
        error = {"code": _code(failure), "message": sentence(failure)}
        left = self._begin() + self._left()
        response = self._response("failed", error=error)
        if self._fields.get("background"):
            self._over(response)
        return left + self._say("failed", response=response)

    def queued(self) -> bytes:
        """The events with which a response in the background begins."""
        response = self._response("queued")
        return self._say("created", response=response) + self._say("queued", response=response)

    def now(self) -> dict[str, Any]:
        """The response as it stands."""
        return self._last or self._response("in_progress" if self._worked else "queued")

    def cancelled(self) -> bytes:
        """Nobody wants the rest; what has come is kept. OpenAI publishes no event of this name: who follows
        is told that it is incomplete, by a response that says why."""
        left = self._begin() + self._left()
        response = self._response("cancelled")
        self._over(response)
        return left + self._say("incomplete", response=response)

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        self._model = self._model or answer.model
        self._parts = answer.parts
        parts = answer.parts.parts
        last = max((number for number, part in enumerate(parts) if isinstance(part, Text)), default=-1)
        for number, part in enumerate(parts):
            self._delta(_as_delta(part, number))
            if number == last and answer.logprobs:
                self._probable(answer.logprobs)
        return _json(self._finish(answer.finish_reason, answer.usage)[1])

    def nothing(self) -> bytes:
        """The response to an empty input, as a whole stream."""
        return self._begin() + self._end("stop", Usage())

    def _event(self, event: wire.AnyEvent) -> bytes:
        self._parts.take(event)
        match event:
            case wire.Delta() | wire.Logprobs():
                return self._pieces(self._turn.take(event))
            case wire.Started():
                self._model = self._model or event.model
            case wire.Done():
                left = self._begin() + self._pieces(self._turn.rest())
                return left + self._end(event.finish_reason, event.usage)
            case wire.Failed():
                return self.broken(main_reason(event.reasons))
            case wire.Interrupted():
                return self.broken(event.reason)
        return b""

    @property
    def _waits(self) -> bool:
        """Whether a text waits for its probabilities."""
        return bool(self._items) and self._items[-1].waits

    def _settled(self) -> bytes:
        """What has come of the item that grows, and waited for its probabilities."""
        last = len(self._items) - 1
        return self._of(last, self._items[last].settle()) if self._items else b""

    def _left(self) -> bytes:
        """What waits for its turn, as no more comes, and the end of what is open."""
        return self._pieces(self._turn.rest()) + self._close("incomplete", self._open.end())

    def _begin(self) -> bytes:
        if self._worked:
            return b""
        self._worked = True
        response = self._response("in_progress")
        created = b"" if self._count else self._say("created", response=response)
        return created + self._say("in_progress", response=response)

    def _pieces(self, pieces: Sequence[Piece]) -> bytes:
        return b"".join(map(self._piece, pieces))

    def _piece(self, piece: Piece) -> bytes:
        return self._delta(piece) if isinstance(piece, wire.Delta) else self._probable(piece.tokens)

    def _delta(self, delta: wire.Delta) -> bytes:
        if says_nothing(delta):
            return b""
        out = self._begin()
        part = self._open.of(delta)
        if part is None:
            part, ended = self._open.begin(delta)
            out += self._close("completed", ended)
            item = self._item(delta)
            self._items.append(item)
            self._output.append(item.told("in_progress"))
            out += self._say("output_item.added", output_index=part.number, item=self._output[part.number])
            out += self._of(part.number, item.opening())
        return out + self._of(part.number, self._items[part.number].grow(delta))

    def _probable(self, tokens: Sequence[TokenLogprob]) -> bytes:
        """Probabilities belong to the text that came last; those of calls are not told."""
        item = self._items[-1] if self._items else None
        return self._of(len(self._items) - 1, item.probable(tokens)) if isinstance(item, Message) else b""

    def _item(self, delta: wire.Delta) -> Item:
        match delta.kind:
            case "reasoning":
                return Thoughts(summary=self._wishes.summary, sealed=self._wishes.sealed)
            case "tool_call":
                return Call(delta.call, delta.name)
        return Message(lambda: self._holds)

    def _of(self, number: int, events: Sequence[tuple[str, dict[str, Any]]]) -> bytes:
        """Events of one item."""
        at = {"item_id": self._items[number].id, "output_index": number}
        return b"".join(self._say(name, **at, **fields) for name, fields in events)

    def _close(self, status: str, ended: OpenPart | None) -> bytes:
        """End this item."""
        if ended is None:
            return b""
        number, item = ended.number, self._items[ended.number]
        self._output[number] = item.told(status)
        out = self._of(number, item.closing())
        return out + self._say("output_item.done", output_index=number, item=self._output[number])

    def _end(self, reason: str, usage: Usage) -> bytes:
        closing, response = self._finish(reason, usage)
        return closing + self._say(response["status"], response=response)

    def _finish(self, reason: str, usage: Usage) -> tuple[bytes, dict[str, Any]]:
        """The ends of what is open, and the response, which is kept."""
        cut = INCOMPLETE.get(reason)
        status = "incomplete" if cut else "completed"
        closing = self._close(status, self._open.end())
        response = self._response(status, incomplete={"reason": cut} if cut else None)
        response["usage"] = usage_of(usage, self._parts.thought)
        self._over(response)
        return closing, response

    def _over(self, response: dict[str, Any]) -> None:
        self._last = response
        self._keep(response, self._parts.message)

    def _response(self, status: str, *, error: Any = None, incomplete: Any = None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "error": error,
            "incomplete_details": incomplete,
            "model": self._model,
            "output": list(self._output),
            "usage": usage_of(Usage(), 0),
            **self._fields,
        }

    def _say(self, name: str, /, **fields: Any) -> bytes:
        kind = f"response.{name}"
        data = one_line({"type": kind, "sequence_number": self._count, **fields})
        self._count += 1
        return f"event: {kind}\ndata: ".encode() + data + b"\n\n"


def usage_of(usage: Usage, thought: int) -> dict[str, Any]:
    """Tokens as responses count them."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": min(thought, usage.completion_tokens)},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _code(failure: Failure) -> str:
    """OpenAI's few words for why a response failed, and the one that Codex looks for."""
    if failure.code == Code.PROMPT_TOO_LARGE:
        return "context_length_exceeded"
    status = status_of(failure)
    return {429: "rate_limit_exceeded", 400: "invalid_prompt"}.get(status, "server_error")


def _as_delta(part: Text | Reasoning | ToolCall, number: int) -> wire.Delta:
    """A whole part as one piece."""
    match part:
        case Reasoning():
            return wire.Delta(0, 0, 0, part.text, "reasoning", number, signature=part.signature)
        case ToolCall():
            return wire.Delta(0, 0, 0, part.arguments, "tool_call", number, part.id, part.name)
    return wire.Delta(0, 0, 0, part.text, "text", number)
