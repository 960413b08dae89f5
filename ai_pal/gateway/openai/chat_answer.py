"""Answers to chat completions: chunks of a stream, or one body. Pure.

A chunk's fields in the order and with the nulls that OpenAI's own server writes; `reasoning_content` is
llama.cpp's name for thoughts and `reasoning` Ollama's and vLLM's, so both are there."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway.answering.in_turn import InTurn, Patience, Piece, in_order
from ai_pal.gateway.openai.errors import error_of
from ai_pal.gateway.openai.functions import told
from ai_pal.gateway.wire.one_line import one_line
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Alternative, TokenLogprob
from ai_pal.protocol.usage import Usage

FINGERPRINT = "fp_ai-pal"
"""What it says about its backend: nothing; OpenAI's schema wants a text."""

DONE = b"data: [DONE]\n\n"
_json = msgspec.json.encode


def event(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + one_line(data) + b"\n\n"


class ChatStream:
    """Writes one answer, the only one or the one with this `index`. `name` is what the client called the
    model, `created` seconds since the epoch; without `thoughts` these are counted, and not told. Who asked
    with `functions` is told of a call as it was before there were tools: of one at most.
    `probabilities`: they are wanted."""

    media_type = "text/event-stream"

    def __init__(
        self,
        answer_id: str,
        name: str,
        created: int,
        *,
        include_usage: bool,
        index: int = 0,
        thoughts: bool = True,
        functions: bool = False,
        probabilities: bool = False,
    ) -> None:
        self._id, self._name, self._created, self._thoughts = answer_id, name, created, thoughts
        self._include_usage, self._index, self._functions = include_usage, index, functions
        self._head: dict[str, Any] = {}
        self._text_head = self._text_tail = b""
        self._turn = InTurn()
        self._calls: dict[int, tuple[str, int]] = {}
        self._count = 0
        self._holds, self._held, self._patience = probabilities, "", Patience()
        self.thought = 0

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become. Where probabilities are wanted, text waits for them: it is in one chunk with
        them."""
        if not self._holds:
            return b"".join(map(self._event, events))
        told = b"".join(map(self._event, in_order(events)))
        if not self._patience.ends(events):
            return told
        self._holds = False
        return told + self._settled()

    def _event(self, event: wire.AnyEvent) -> bytes:
        match event:
            case wire.Delta():
                if self._text_head and event.kind == "text" and self._turn.free and not self._holds:
                    return self._text_head + one_line(event.text) + self._text_tail
                return self._told(self._turn.take(event))
            case wire.Logprobs():
                return self._told(self._turn.take(event))
            case wire.Started():
                self._name = self._name or event.model
            case wire.Done():
                return self.ended(event) + self.closing(event.usage, self.thought)
            case wire.Failed():
                return self.broken(main_reason(event.reasons))
            case wire.Interrupted():
                return self.broken(event.reason)
        return b""

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """How far it is, as a comment, and a chunk that says nothing: LangChain waits for chunks, and gives
        up after two minutes without one."""
        return self._settled() + f": {progress(latest)}\n\n".encode() + (self.opening() or self._chunk({}))

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest; the SDKs raise it. What waited for its turn goes before it."""
        return self._told(self._turn.rest()) + self._settled() + event(error_of(failure))

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        return self.body(answer, [self.choice(answer)], answer.parts.thought)

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This answer among others."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text or None,
            "refusal": None,
            "annotations": [],
        }
        if answer.reasoning and self._thoughts:
            message["reasoning_content"] = message["reasoning"] = answer.reasoning
        if answer.tool_calls and self._functions:
            message["function_call"] = told(answer.tool_calls[0])
        elif answer.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in answer.tool_calls
            ]
        else:
            message["content"] = answer.text
        said = [logprob(token) for token in answer.logprobs]
        return {
            "index": self._index,
            "message": message,
            "logprobs": {"content": said, "refusal": None} if said else None,
            "finish_reason": self._reason(answer.finish_reason),
        }

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds these."""
        usage = usage_of(answer.usage, thought)
        return _json({**self._fields("chat.completion", answer.model), "choices": choices, "usage": usage})

    def _told(self, pieces: Sequence[Piece]) -> bytes:
        return b"".join(map(self._piece, pieces))

    def _piece(self, piece: Piece) -> bytes:
        if isinstance(piece, wire.Logprobs):
            said = [logprob(token) for token in piece.tokens]
            text, self._held = self._held, ""
            delta = {"content": text} if text else {}
            return self.opening() + self._chunk(delta, logprobs={"content": said, "refusal": None})
        if self._holds and piece.kind == "text":
            self._held += piece.text
            return b""
        return self._settled() + self._delta(piece)

    def _settled(self) -> bytes:
        """The text whose probabilities have not come with it."""
        text, self._held = self._held, ""
        return self.opening() + self._chunk({"content": text}) if text else b""

    def _delta(self, delta: wire.Delta) -> bytes:
        if delta.kind == "text":
            first = self.opening()
            # What is the same for each piece of text is encoded once.
            head, _, self._text_tail = self._chunk({"content": "\x00"}).partition(b'"\\u0000"')
            self._text_head = head
            return first + head + one_line(delta.text) + self._text_tail
        begin = self.opening()
        if delta.kind == "reasoning":
            self.thought += delta.n
            thought = {"reasoning_content": delta.text, "reasoning": delta.text}
            return begin + (self._chunk(thought) if delta.text and self._thoughts else b"")
        call = self._call(delta)
        if not self._functions:
            return begin + self._chunk({"tool_calls": [call]})
        return begin + (b"" if call["index"] else self._chunk({"function_call": call["function"]}))

    def _call(self, delta: wire.Delta) -> dict[str, Any]:
        """A piece of a call: its id and name come once. OpenAI numbers calls among themselves."""
        known, number = self._calls.get(delta.index, ("", -1))
        if number >= 0 and delta.call in ("", known):
            return {"index": number, "function": {"arguments": delta.text}}
        self._count += 1
        self._calls[delta.index] = delta.call, self._count - 1
        function = {"name": delta.name, "arguments": delta.text}
        return {"index": self._count - 1, "id": delta.call, "type": "function", "function": function}

    def ended(self, done: wire.Done) -> bytes:
        """The last chunk of this answer."""
        return (
            self._told(self._turn.rest())
            + self._settled()
            + self.opening()
            + self._chunk({}, finish=self._reason(done.finish_reason))
        )

    def _reason(self, reason: str) -> str:
        return "function_call" if self._functions and reason == "tool_calls" else reason

    def closing(self, usage: Usage, thought: int) -> bytes:
        """The end of the stream."""
        if not self._include_usage:
            return DONE
        counted = usage_of(usage, thought)
        return event({**self._fields("chat.completion.chunk"), "choices": [], "usage": counted}) + DONE

    def opening(self) -> bytes:
        """The role, in the first chunk only."""
        if self._head:
            return b""
        self._head = self._fields("chat.completion.chunk")
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None, logprobs: Any = None) -> bytes:
        choice = {"index": self._index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        usage = {"usage": None} if self._include_usage else {}
        return event({**self._fields("chat.completion.chunk"), "choices": [choice], **usage})

    def _fields(self, kind: str, name: str = "") -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._name or name,
            "system_fingerprint": FINGERPRINT,
            "service_tier": "default",
        }


def usage_of(usage: Usage, thought: int = 0) -> dict[str, Any]:
    """Tokens as OpenAI counts them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def progress(latest: wire.AnyEvent | None) -> str:
    """How far it is, in a few words."""
    match latest:
        case wire.Queued():
            return f"waiting in the queue, place {latest.position}"
        case wire.Loading():
            to = " onto its node" if latest.node else ""
            return f"loading {latest.model}{to}, {latest.progress:.0%}"
        case wire.Pulling():
            part = f", {latest.done / latest.total:.0%}" if latest.total else ""
            return f"downloading {latest.model}{part}"
        case wire.Reading():
            return f"reading the prompt, {latest.done} of {latest.total} tokens"
    return "working"


def logprob(token: TokenLogprob) -> dict[str, Any]:
    """The probability of one token, and of those that could have come."""
    return {**_token(token), "top_logprobs": [_token(other) for other in token.top]}


def _token(token: TokenLogprob | Alternative) -> dict[str, Any]:
    text = token.data.decode(errors="replace")
    return {"token": text, "logprob": token.logprob, "bytes": list(token.data)}
