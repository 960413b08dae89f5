"""Answers of each protocol, built of what is thought, what is said, how it ends and what was used."""

import json
from typing import Any

from ai_pal.protocol.provider import Api
from tests.servers.shapes import framed

Made = list[tuple[str, Any]]
"""Names of events, and their values."""

FINISHES: dict[Api, dict[str, str]] = {
    "openai": {"stop": "stop", "length": "length"},
    "anthropic": {"stop": "end_turn", "length": "max_tokens"},
    "cohere": {"stop": "COMPLETE", "length": "MAX_TOKENS"},
    "ollama": {"stop": "stop", "length": "length"},
}
OTHER = "another machine of the user's speaks AI-PAL's own protocol"
NAMED = frozenset({"anthropic", "cohere"})


def said(api: Api, text: str) -> Made:
    """A piece of the answer."""
    return _delta(api, text, thought=False)


def thought(api: Api, text: str) -> Made:
    """A piece of what is thought."""
    return _delta(api, text, thought=True)


def _delta(api: Api, text: str, *, thought: bool) -> Made:
    kind = "thinking" if thought else "text"
    match api:
        case "openai":
            delta = {"reasoning_content" if thought else "content": text}
            return [("", {"model": "m", "choices": [{"index": 0, "delta": delta}]})]
        case "anthropic":
            delta = {"type": f"{kind}_delta", kind: text}
            return [("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta})]
        case "cohere":
            said = {"message": {"content": {kind: text}}}
            return [("content-delta", {"type": "content-delta", "index": 0, "delta": said})]
        case "ollama":
            message = {"content": "", "thinking": text} if thought else {"content": text}
            return [("", {"model": "m", "message": message, "done": False})]
        case "machine":
            raise NotImplementedError(OTHER)


def called(api: Api, place: int, name: str, pieces: list[str]) -> Made:
    """A call of a tool, its arguments in pieces; Ollama's are whole."""
    match api:
        case "openai":
            first = {"index": place, "id": f"c{place}", "type": "function"}
            deltas = [first | {"function": {"name": name, "arguments": ""}}]
            deltas += [{"index": place, "function": {"arguments": piece}} for piece in pieces]
            return [("", {"choices": [{"index": 0, "delta": {"tool_calls": [one]}}]}) for one in deltas]
        case "anthropic":
            block = {"type": "tool_use", "id": f"c{place}", "name": name, "input": {}}
            start = {"type": "content_block_start", "index": place, "content_block": block}
            more = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            grown = [{"type": "content_block_delta", "index": place, "delta": delta} for delta in more]
            return [(str(event["type"]), event) for event in (start, *grown)]
        case "cohere":
            function = {"name": name, "arguments": ""}
            call = {"id": f"c{place}", "type": "function", "function": function}
            texts = [{"function": {"arguments": piece}} for piece in pieces]
            kinds = ["tool-call-start", *["tool-call-delta"] * len(texts)]
            return [
                (kind, {"type": kind, "index": place, "delta": {"message": {"tool_calls": one}}})
                for kind, one in zip(kinds, [call, *texts], strict=True)
            ]
        case "ollama":
            function = {"name": name, "arguments": json.loads("".join(pieces))}
            message = {"content": "", "tool_calls": [{"function": function}]}
            return [("", {"model": "m", "message": message, "done": False})]
        case "machine":
            raise NotImplementedError(OTHER)


def begun(api: Api, prompt: int) -> Made:
    """What is told before anything is said: Anthropic tells the tokens of the prompt then."""
    if api != "anthropic":
        return []
    message = {"type": "message", "model": "m", "content": [], "usage": {"input_tokens": prompt}}
    return [("message_start", {"type": "message_start", "message": message})]


def ended(api: Api, reason: str, prompt: int, completion: int) -> Made:
    """The end of the answer. `reason` is `stop` or `length`."""
    finish = FINISHES[api][reason]
    match api:
        case "openai":
            usage = {"prompt_tokens": prompt, "completion_tokens": completion}
            end = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
            return [("", end), ("", {"choices": [], "usage": usage})]
        case "anthropic":
            delta = {"stop_reason": finish}
            usage = {"output_tokens": completion}
            event = {"type": "message_delta", "delta": delta, "usage": usage}
            return [("message_delta", event), ("message_stop", {"type": "message_stop"})]
        case "cohere":
            tokens = {"input_tokens": prompt, "output_tokens": completion}
            told = {"finish_reason": finish, "usage": {"tokens": tokens}}
            return [("message-end", {"type": "message-end", "delta": told})]
        case "ollama":
            line = {"model": "m", "message": {"content": ""}, "done": True, "done_reason": finish}
            return [("", line | {"prompt_eval_count": prompt, "eval_count": completion})]
        case "machine":
            raise NotImplementedError(OTHER)


def whole(api: Api, text: str, reason: str, prompt: int, completion: int) -> dict[str, Any]:
    """The answer as one object, as it is without `stream`."""
    finish = FINISHES[api][reason]
    match api:
        case "openai":
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            usage = {"prompt_tokens": prompt, "completion_tokens": completion}
            return {"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        case "anthropic":
            usage = {"input_tokens": prompt, "output_tokens": completion}
            content = [{"type": "text", "text": text}]
            told = {"type": "message", "role": "assistant", "model": "m", "stop_reason": finish}
            return told | {"content": content, "usage": usage}
        case "cohere":
            tokens = {"tokens": {"input_tokens": prompt, "output_tokens": completion}}
            said = {"role": "assistant", "content": [{"type": "text", "text": text}]}
            return {"id": "1", "finish_reason": finish, "message": said, "usage": tokens}
        case "ollama":
            line = {"model": "m", "message": {"role": "assistant", "content": text}, "done": True}
            return line | {"done_reason": finish, "prompt_eval_count": prompt, "eval_count": completion}
        case "machine":
            raise NotImplementedError(OTHER)


def written(api: Api, made: Made, ending: str = "\n", *, done: bool = False) -> bytes:
    """As that protocol frames it; with `done`, ended by `[DONE]`."""
    events = [framed(api, name, json.dumps(value), ending) for name, value in made]
    return b"".join([*events, f"data: [DONE]{ending * 2}".encode() if done else b""])
