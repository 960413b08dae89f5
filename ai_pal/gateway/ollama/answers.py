"""Ollama's answers: one JSON object a line, the last with its figures. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway.answering.in_turn import InTurn, Piece
from ai_pal.gateway.ollama.errors import said_of
from ai_pal.gateway.wire.one_line import one_line
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob, ToolCall
from ai_pal.protocol.usage import Timings, Usage

Kind = Literal["chat", "generate"]
Remember = Callable[[str], list[int]]
LINES = "application/x-ndjson"
_json = msgspec.json.encode


def line(data: Any) -> bytes:
    """One line of a stream."""
    return one_line(data) + b"\n"


def stamp(seconds: float) -> str:
    """A moment as Ollama writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Lines:
    """Writes one answer. `model` is what the client called it; `remember`, if there is one, makes its
    `context` of the answer's text."""

    media_type = LINES

    def __init__(self, kind: Kind, model: str, created: float, remember: Remember | None = None) -> None:
        self._kind, self._model, self._created = kind, model, stamp(created)
        self._remember = remember
        self._text: list[str] = []
        self._turn = InTurn()
        self._call: list[wire.Delta] = []
        self._called = 0

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        return b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A line that says nothing: its clients add it to the answer."""
        return self._said("")

    def broken(self, failure: Failure) -> bytes:
        """A line with the error, in place of the rest."""
        return line({"error": said_of(failure)})

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        said = self._content(answer.text, answer.reasoning, answer.tool_calls)
        if answer.logprobs:
            said["logprobs"] = [_logprob(token) for token in answer.logprobs]
        end = _end(answer.finish_reason, answer.usage, answer.timings)
        return _json({**self._head(), **said, **self._context(answer.text), **end})

    def _event(self, event: wire.AnyEvent) -> bytes:
        match event:
            case wire.Delta() | wire.Logprobs():
                return self._told(self._turn.take(event))
            case wire.Started():
                self._model = self._model or event.model
            case wire.Done():
                left = self._told(self._turn.rest()) + self._whole_call()
                end = _end(event.finish_reason, event.usage, event.timings)
                context = self._context("".join(self._text))
                return left + line({**self._head(), **self._content(""), **context, **end})
            case wire.Failed():
                return self.broken(main_reason(event.reasons))
            case wire.Interrupted():
                return self.broken(event.reason)
        return b""

    def _told(self, pieces: Sequence[Piece]) -> bytes:
        return b"".join(map(self._piece, pieces))

    def _piece(self, piece: Piece) -> bytes:
        if isinstance(piece, wire.Delta):
            return self._delta(piece)
        said = {**self._content(""), "logprobs": list(map(_logprob, piece.tokens))}
        return line({**self._head(), **said, "done": False})

    def _delta(self, delta: wire.Delta) -> bytes:
        if delta.kind == "reasoning":
            return self._said("", delta.text) if delta.text else b""
        if delta.kind == "text":
            if self._remember:
                self._text.append(delta.text)
            return self._whole_call() + (self._said(delta.text) if delta.text else b"")
        another = self._call and delta.call not in ("", self._call[0].call)
        told = self._whole_call() if another else b""
        self._call.append(delta)
        return told

    def _whole_call(self) -> bytes:
        """The call that has come: its arguments are an object here, so it goes out when it is whole. Each is
        a line, as with Ollama: Haystack takes those of one line for one."""
        if not self._call:
            return b""
        first, text = self._call[0], "".join(piece.text for piece in self._call)
        said = self._content("", "", (ToolCall(first.call, first.name, text),), self._called)
        self._called += 1
        self._call.clear()
        return line({**self._head(), **said, "done": False})

    def _said(self, text: str, thought: str = "") -> bytes:
        return line({**self._head(), **self._content(text, thought), "done": False})

    def _context(self, text: str) -> dict[str, Any]:
        return {} if self._remember is None else {"context": self._remember(text)}

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": self._created}

    def _content(
        self, text: str, thought: str = "", calls: Sequence[ToolCall] = (), number: int = 0
    ) -> dict[str, Any]:
        more: dict[str, Any] = {"thinking": thought} if thought else {}
        if calls:
            more["tool_calls"] = [_call(call, place) for place, call in enumerate(calls, number)]
        if self._kind == "generate":
            return {"response": text, **more}
        return {"message": {"role": "assistant", "content": text, **more}}


def _call(call: ToolCall, number: int) -> dict[str, Any]:
    """LiteLLM looks for the number outside the function, and takes calls of two lines for one without it."""
    return {
        "id": call.id,
        "index": number,
        "function": {"index": number, "name": call.name, "arguments": _object(call.arguments)},
    }


def _object(arguments: str) -> Any:
    """The arguments as an object; what was cut off, or goes too deep, is kept as it came, under a name that
    says so."""
    try:
        found = msgspec.json.decode(arguments.strip() or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {"cut off": arguments}
    return found if isinstance(found, dict) else {"value": found}


def _end(reason: str, usage: Usage, timings: Timings) -> dict[str, Any]:
    """The figures of the last line; nanoseconds. Ollama knows no reason for calls but `stop`. Who answers
    elsewhere measures nothing, and clients divide by how long it took."""
    return {
        "done": True,
        "done_reason": "stop" if reason in ("tool_calls", "content_filter") else reason,
        "total_duration": _ns(timings.total),
        "load_duration": _ns(max(0.0, timings.first_token - timings.prefill)),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _ns(timings.prefill),
        "eval_count": usage.completion_tokens,
        "eval_duration": _ns(timings.decode or max(0.0, timings.total - timings.first_token)),
    }


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _logprob(token: TokenLogprob) -> dict[str, Any]:
    said = {"token": token.data.decode(errors="replace"), "logprob": token.logprob, "bytes": list(token.data)}
    top = [
        {"token": other.data.decode(errors="replace"), "logprob": other.logprob, "bytes": list(other.data)}
        for other in token.top
    ]
    return {**said, "top_logprobs": top} if top else said
