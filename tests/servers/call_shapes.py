"""A corpus of answers that think and call a tool: for each protocol a well-formed stream, and each of its
fields null, absent or of another type."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ai_pal.protocol.provider import Api
from tests.servers.shapes import ABSENT, Part, Path, framed_parts, paths_of, with_other

NAME, ARGUMENTS, THOUGHT = "weather", ('{"city": ', '"Rome"}'), "hm"
OTHERS: tuple[object, ...] = (None, ABSENT, 7, True, "x", [], {}, [None], {"a": 1})


class CallShape(msgspec.Struct, frozen=True):
    """A stream as it is sent. `told`: the call can be understood as it was made; `thought` and `ends`: so can
    what was thought, and that it is over."""

    label: str
    parts: tuple[Part, ...]
    told: bool = True
    thought: bool = True
    ends: bool = True

    def body(self, api: Api) -> bytes:
        return framed_parts(api, self.parts)


class _Marked(msgspec.Struct, frozen=True):
    """An event. `call` are the paths that tell what is called, `thought` what is thought, `end` that of
    the end."""

    part: Part
    call: tuple[Path, ...] = ()
    thought: tuple[Path, ...] = ()
    end: tuple[Path, ...] = ()


def _openai() -> list[_Marked]:
    def chunk(delta: Any, reason: str | None = None) -> Part:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return Part({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})

    def call(**function: Any) -> dict[str, Any]:
        return {"index": 0, "function": function}

    at: Path = ("choices", 0, "delta")
    name, text = ((*at, "tool_calls", 0, "function", which) for which in ("name", "arguments"))
    first = call(name=NAME, arguments="") | {"id": "a", "type": "function"}
    return [
        _Marked(chunk({"role": "assistant", "content": None})),
        _Marked(chunk({"reasoning_content": THOUGHT}), thought=((*at, "reasoning_content"),)),
        _Marked(chunk({"content": None, "tool_calls": [first]}), call=(name, text)),
        *(_Marked(chunk({"tool_calls": [call(arguments=piece)]}), call=(text,)) for piece in ARGUMENTS),
        _Marked(chunk({}, "tool_calls"), end=(("choices", 0, "finish_reason"),)),
    ]


def _anthropic() -> list[_Marked]:
    def part(kind: str, **fields: Any) -> Part:
        return Part({"type": kind, **fields}, kind)

    message = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "m"}
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    tool = {"type": "tool_use", "id": "a", "name": NAME, "input": {}}
    said, signed = (
        {"type": "thinking_delta", "thinking": THOUGHT},
        {"type": "signature_delta", "signature": "s"},
    )
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ARGUMENTS]
    kind = ("content_block", "type")
    return [
        _Marked(part("message_start", message=message | {"usage": {"input_tokens": 1}})),
        _Marked(part("content_block_start", index=0, content_block=thinking)),
        _Marked(
            part("content_block_delta", index=0, delta=said),
            thought=(("delta", "thinking"), ("delta", "type")),
        ),
        _Marked(part("content_block_delta", index=0, delta=signed)),
        _Marked(part("content_block_stop", index=0)),
        _Marked(
            part("content_block_start", index=1, content_block=tool),
            call=(("content_block", "name"), ("content_block", "input"), kind),
        ),
        *(
            _Marked(
                part("content_block_delta", index=1, delta=piece),
                call=(("delta", "partial_json"), ("delta", "type")),
            )
            for piece in pieces
        ),
        _Marked(part("content_block_stop", index=1)),
        _Marked(part("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 7})),
        _Marked(part("message_stop"), end=((),)),
    ]


def _cohere() -> list[_Marked]:
    def part(kind: str, **fields: Any) -> Part:
        return Part({"type": kind, **fields}, kind)

    called = {"id": "a", "type": "function", "function": {"name": NAME, "arguments": ""}}
    at: Path = ("delta", "message", "tool_calls", "function")
    pieces = [{"message": {"tool_calls": {"function": {"arguments": piece}}}} for piece in ARGUMENTS]
    end = {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 1, "output_tokens": 7}}}
    return [
        _Marked(part("message-start", id="1", delta={"message": {"role": "assistant"}})),
        _Marked(
            part("tool-plan-delta", delta={"message": {"tool_plan": THOUGHT}}),
            thought=(("delta", "message", "tool_plan"),),
        ),
        _Marked(
            part("tool-call-start", index=0, delta={"message": {"tool_calls": called}}),
            call=((*at, "name"), (*at, "arguments")),
        ),
        *(
            _Marked(part("tool-call-delta", index=0, delta=piece), call=((*at, "arguments"),))
            for piece in pieces
        ),
        _Marked(part("tool-call-end", index=0)),
        _Marked(part("message-end", delta=end), end=(("delta", "finish_reason"),)),
    ]


def _ollama() -> list[_Marked]:
    def line(**fields: Any) -> dict[str, Any]:
        message = {"role": "assistant", "content": "", **fields}
        return {"model": "m", "created_at": "2025-01-01", "message": message, "done": False}

    function = {"name": NAME, "arguments": {"city": "Rome"}}
    at: Path = ("message", "tool_calls", 0, "function")
    return [
        _Marked(Part(line(thinking=THOUGHT)), thought=(("message", "thinking"),)),
        _Marked(
            Part(line(tool_calls=[{"function": function}])),
            call=((*at, "name"), (*at, "arguments"), (*at, "arguments", "city")),
        ),
        _Marked(Part(line() | {"done": True, "done_reason": "stop", "eval_count": 7}), end=(("done",),)),
    ]


STREAMS: dict[Api, list[_Marked]] = {
    "openai": _openai(),
    "anthropic": _anthropic(),
    "cohere": _cohere(),
    "ollama": _ollama(),
}


def call_corpus(api: Api, others: tuple[object, ...] = OTHERS) -> Iterator[CallShape]:
    """The well-formed stream, then each field of it as each of these."""
    stream = STREAMS[api]
    parts = tuple(marked.part for marked in stream)
    yield CallShape("well-formed", parts)
    for number, marked in enumerate(stream):
        for path in paths_of(marked.part.value):
            for other in others:
                value = with_other(marked.part.value, path, other)
                replaced = () if value is ABSENT else (msgspec.structs.replace(marked.part, value=value),)
                told = "nothing" if other is ABSENT else repr(other)
                yield CallShape(
                    f"{marked.part.name or number}{list(path)} = {told}",
                    (*parts[:number], *replaced, *parts[number + 1 :]),
                    told=not _touches(path, marked.call),
                    thought=not _touches(path, marked.thought),
                    ends=not _touches(path, marked.end),
                )


def _touches(path: Path, marks: tuple[Path, ...]) -> bool:
    return any(mark[: len(path)] == path for mark in marks)
