"""Anthropic's answers: events of a stream, or one message. Pure."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.gateway.answering.in_turn import InTurn, Piece
from ai_pal.gateway.answering.open_parts import OpenPart, OpenParts, says_nothing
from ai_pal.gateway.asking import seals
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.one_line import one_line
from ai_pal.gateway.wire.statuses import sentence, status_of, status_of_error
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Reasoning, Text, ToolCall
from ai_pal.protocol.usage import Usage

_json = msgspec.json.encode

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}

UNTHREADED = "thread_unsupported_request"
CODES = (UNTHREADED,)
"""What its SDK acts on: without a thread it sends the whole conversation."""

OVERFLOW = "prompt is too long"
"""Words by which Claude Code tells that it has to make its history shorter; by how much is in the numbers."""
_COUNTS = re.compile(r"has (?:about )?(\d+) tokens?, .* (?:holds|takes) (\d+)")


def event(name: str, **fields: Any) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: ".encode() + one_line({"type": name, **fields}) + b"\n\n"


def error_of(failure: Failure, message: str = "", status: int = 0) -> dict[str, Any]:
    """What an error holds."""
    status = status or status_of(failure)
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    said = message or sentence(failure)
    if failure.code == Code.PROMPT_TOO_LARGE and OVERFLOW not in said:
        found = _COUNTS.search(failure.message)
        counts = f"{found[1]} tokens > {found[2]} maximum, " if found else ""
        said = f"{OVERFLOW}: {counts}{said}"
    return {"type": kind, "message": said}


def error_body(error: AiPalError) -> dict[str, Any]:
    """Anthropic's envelope of errors; who sends it adds the request's id."""
    said = sentence(error.failure)
    param = error.param if isinstance(error, BodyError) else None
    told = error_of(error.failure, f"{param}: {said}" if param else said, status_of_error(error))
    if isinstance(error, BodyError) and error.word in CODES:
        told["details"] = {"error_code": error.word}
    return {"type": "error", "error": told}


class MessageStream:
    """Writes one answer. `model` is what the client called it; where it `omits` thoughts, their signatures
    alone tell them, sealed."""

    media_type = "text/event-stream"

    def __init__(self, message_id: str, model: str, *, omits: bool = False) -> None:
        self._id, self._model, self._omits = message_id, model, omits
        self._hidden = seals.Thought("")
        self._begun = False
        self._prompt = Usage()
        self._turn, self._open = InTurn(), OpenParts()
        self._signed = -1

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        return b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A ping, behind the message's start."""
        if isinstance(latest, wire.Reading):
            self._prompt = Usage(latest.total)
        return self._begin() + event("ping")

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest; what waited for its turn goes before it."""
        return self._deltas(self._turn.rest()) + event("error", error=error_of(failure))

    def whole(self, answer: Answer) -> bytes:
        """All of it in one message."""
        content = [_block(part, omits=self._omits) for part in answer.parts.parts]
        message = self._message(answer.model, content)
        message |= _stopped(answer.finish_reason, answer.stop)
        return _json({**message, "usage": usage_of(answer.usage)})

    def _event(self, event_: wire.AnyEvent) -> bytes:
        match event_:
            case wire.Delta():
                return self._deltas(self._turn.take(event_))
            case wire.Started():
                self._model = self._model or event_.model
                self._prompt = Usage(event_.prompt_tokens)
            case wire.Done():
                return self._end(event_)
            case wire.Failed():
                return self.broken(main_reason(event_.reasons))
            case wire.Interrupted():
                return self.broken(event_.reason)
        return b""

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message = {**self._message("", []), "usage": usage_of(self._prompt)}
        return event("message_start", message=message) + event("ping")

    def _deltas(self, deltas: Sequence[Piece]) -> bytes:
        return b"".join(self._delta(delta) for delta in deltas if isinstance(delta, wire.Delta))

    def _delta(self, delta: wire.Delta) -> bytes:
        if says_nothing(delta):
            return b""
        out = self._begin()
        block = self._open.of(delta)
        if block is None:
            block, ended = self._open.begin(delta)
            out += self._stop(ended)
            out += event("content_block_start", index=block.number, content_block=_empty_block(delta))
        if self._omits and delta.kind == "reasoning":
            hidden = self._hidden
            self._hidden = seals.Thought(hidden.text + delta.text, delta.signature or hidden.signature)
            return out
        if delta.signature:
            self._signed = block.number
        for piece in _pieces(delta):
            out += event("content_block_delta", index=block.number, delta=piece)
        return out

    def _stop(self, block: OpenPart | None) -> bytes:
        """End this block."""
        out = b""
        if block is not None and block.kind == "reasoning" and block.number != self._signed:
            mark = {"type": "signature_delta", "signature": self._mark()}
            out += event("content_block_delta", index=block.number, delta=mark)
        return out + (b"" if block is None else event("content_block_stop", index=block.number))

    def _mark(self) -> str:
        """The signature of a thought that nobody has signed, or that is told by it alone."""
        hidden, self._hidden = self._hidden, seals.Thought("")
        return seals.sealed(hidden.text, hidden.signature) if self._omits else seals.UNSIGNED

    def _end(self, done: wire.Done) -> bytes:
        out = self._begin() + self._deltas(self._turn.rest()) + self._stop(self._open.end())
        stopped = _stopped(done.finish_reason, done.stop)
        out += event("message_delta", delta=stopped, usage=usage_of(done.usage))
        return out + event("message_stop")

    def _message(self, model: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model or model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
        }


def _stopped(reason: str, stop: str) -> dict[str, Any]:
    """Why it ended; a stop text is named."""
    if stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": stop}
    return {"stop_reason": REASONS.get(reason, "end_turn"), "stop_sequence": None}


def usage_of(usage: Usage) -> dict[str, Any]:
    """Tokens as Anthropic counts them: what came from the cache stands beside the input, not in it."""
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }


def _empty_block(delta: wire.Delta) -> dict[str, Any]:
    match delta.kind:
        case "reasoning":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_call":
            return {"type": "tool_use", "id": delta.call, "name": delta.name, "input": {}}
    return {"type": "text", "text": ""}


def _pieces(delta: wire.Delta) -> list[dict[str, Any]]:
    match delta.kind:
        case "reasoning":
            found = [{"type": "thinking_delta", "thinking": delta.text}] if delta.text else []
            if delta.signature:
                found.append({"type": "signature_delta", "signature": delta.signature})
            return found
        case "tool_call":
            return [{"type": "input_json_delta", "partial_json": delta.text}] if delta.text else []
    return [{"type": "text_delta", "text": delta.text}]


def _block(part: Text | Reasoning | ToolCall, *, omits: bool) -> dict[str, Any]:
    match part:
        case Reasoning() if omits:
            return {"type": "thinking", "thinking": "", "signature": seals.sealed(part.text, part.signature)}
        case Reasoning():
            return {"type": "thinking", "thinking": part.text, "signature": seals.shown(part.signature)}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _input(part.arguments)}
    return {"type": "text", "text": part.text}


def _input(arguments: str) -> Any:
    """The arguments as an object, which clients take them for; of what was cut off, or goes too deep,
    nothing can be read."""
    try:
        found = msgspec.json.decode(arguments.strip() or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {"value": found}
