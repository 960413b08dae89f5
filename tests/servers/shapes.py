"""A corpus of answers as servers write them: for each protocol a well-formed stream, and each of its fields
null, absent or of another type, in its first, middle and last event of a kind."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ai_pal.protocol.provider import Api

ENDINGS = {"LF": "\n", "CR LF": "\r\n", "CR": "\r"}
TEXT = ("Par", "is \u00e9\u4e2d", " it is.")
USED = (11, 7)
"""Tokens of the prompt and of the answer."""

ABSENT = object()
OTHERS: tuple[object, ...] = (None, ABSENT, 7, True, "x", [], {}, [None], {"a": 1}, 10**30)

Path = tuple[str | int, ...]


class Part(msgspec.Struct, frozen=True):
    """An event of a stream. `text` and `end` are where it says a text, and that it is the last."""

    value: Any
    name: str = ""
    text: Path | None = None
    end: Path | None = None


class Shape(msgspec.Struct, frozen=True):
    """A stream as it is sent. `texts` are what may be understood, `ends` whether it says that it is over,
    `figures` whether it tells `USED` as it should."""

    label: str
    parts: tuple[Part, ...]
    texts: frozenset[str] = frozenset({"".join(TEXT)})
    ends: bool = True
    figures: bool = True

    def body(self, api: Api, ending: str) -> bytes:
        """As that protocol frames it."""
        return framed_parts(api, self.parts, ending)


def framed_parts(api: Api, parts: Sequence[Part], ending: str = "\n") -> bytes:
    """A whole stream as that protocol frames it."""
    return b"".join(framed(api, part.name, json.dumps(part.value), ending) for part in parts) + (
        f"data: [DONE]{ending * 2}".encode() if api == "openai" else b""
    )


def framed(api: Api, name: str, data: str, ending: str = "\n") -> bytes:
    """One event."""
    if api == "ollama":
        return (data + ending).encode()
    event = f"event: {name}{ending}" if name else ""
    return f"{event}data: {data}{ending * 2}".encode()


def _openai() -> list[Part]:
    def chunk(delta: Any, reason: str | None = None, usage: Any = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        common = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return {**common, "choices": [choice], "usage": usage}

    said = ("choices", 0, "delta", "content")
    usage: dict[str, Any] = {
        "prompt_tokens": USED[0],
        "completion_tokens": USED[1],
        "total_tokens": sum(USED),
    }
    details = {
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    return [
        Part(chunk({"role": "assistant", "content": "", "refusal": None, "tool_calls": None})),
        *(Part(chunk({"content": text, "reasoning_content": None}), text=said) for text in TEXT),
        Part(chunk({}, "stop"), end=("choices", 0, "finish_reason")),
        Part({**chunk({}), "choices": [], "usage": usage | details}),
    ]


def _anthropic() -> list[Part]:
    def part(kind: str, *, text: Path | None = None, end: Path | None = None, **fields: Any) -> Part:
        return Part({"type": kind, **fields}, kind, text, end)

    usage = {"input_tokens": USED[0], "cache_read_input_tokens": 0, "output_tokens": 1}
    message = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": usage}
    deltas = [{"type": "text_delta", "text": text} for text in TEXT]
    return [
        part("message_start", message=message | {"stop_reason": None, "stop_sequence": None}),
        part("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        part("ping"),
        *(part("content_block_delta", index=0, delta=delta, text=("delta", "text")) for delta in deltas),
        part("content_block_stop", index=0),
        part(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": USED[1]},
        ),
        part("message_stop", end=()),
    ]


def _cohere() -> list[Part]:
    def part(kind: str, *, text: Path | None = None, end: Path | None = None, **fields: Any) -> Part:
        return Part({"type": kind, **fields}, kind, text, end)

    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    figures = {"input_tokens": USED[0], "output_tokens": USED[1]}
    deltas = [{"message": {"content": {"text": text}}} for text in TEXT]
    said = ("delta", "message", "content", "text")
    return [
        part("message-start", id="1", delta={"message": start}),
        part("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}}),
        *(part("content-delta", index=0, delta=delta, text=said) for delta in deltas),
        part("content-end", index=0),
        part(
            "message-end",
            delta={"finish_reason": "COMPLETE", "usage": {"billed_units": figures, "tokens": figures}},
            end=("delta", "finish_reason"),
        ),
    ]


def _ollama() -> list[Part]:
    def line(text: str, **fields: Any) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "thinking": None, "images": None, "tool_calls": None}
        return {"model": "m", "created_at": "2025-01-01", "message": message, "done": False, **fields}

    end = {"done": True, "done_reason": "stop", "total_duration": 1}
    return [
        *(Part(line(text, done_reason=None), text=("message", "content")) for text in TEXT),
        Part(line("", **end, prompt_eval_count=USED[0], eval_count=USED[1]), end=("done",)),
    ]


STREAMS: dict[Api, list[Part]] = {
    "openai": _openai(),
    "anthropic": _anthropic(),
    "cohere": _cohere(),
    "ollama": _ollama(),
}


def corpus(api: Api, others: tuple[object, ...] = OTHERS) -> Iterator[Shape]:
    """The well-formed stream, then each field of it as each of these."""
    parts = STREAMS[api]
    yield Shape("well-formed", tuple(parts))
    for number, part in enumerate(parts):
        for path in paths_of(part.value):
            for other in others:
                yield _changed(parts, number, path, other)


def _changed(parts: list[Part], number: int, path: Path, other: object) -> Shape:
    part = parts[number]
    value = with_other(part.value, path, other)
    changed = (*parts[:number], *(() if value is ABSENT else (msgspec.structs.replace(part, value=value),)))
    whole, without = [_text(part) for part in parts], [_text(part) for part in parts]
    texts = {"".join(whole)}
    if part.text is not None and part.text[: len(path)] == path:
        for said in ("", "x"):  # where a text is to be, any text is one
            without[number] = said
            texts.add("".join(without))
    elif isinstance(other, str):
        without[number] += other
        texts.add("".join(without))
    told = "nothing" if other is ABSENT else repr(other)
    ends = part.end is None or part.end[: len(path)] != path
    return Shape(
        f"{part.name or number}{list(path)} = {told}",
        changed + tuple(parts[number + 1 :]),
        frozenset(texts),
        ends,
        "_count" not in str(part.value) and "_tokens" not in str(part.value),
    )


def _text(part: Part) -> str:
    value = part.value
    for step in part.text or ():
        value = value[step]
    return value if part.text is not None else ""


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where its fields are, itself among them."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_of(inner, (*path, index))


def with_other(value: Any, path: Path, other: object) -> Any:
    """A copy with another thing there."""
    if not path:
        return other
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    if other is ABSENT:
        del inner[path[-1]]
    else:
        inner[path[-1]] = other
    return value
