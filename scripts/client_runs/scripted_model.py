"""A server of OpenAI's protocol on loopback whose models follow a plan each, by their names. It refuses what
is no conversation: calls without results, results without calls, tools that are none."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripts.client_runs.plans import Call, Plan, said
from tests.servers.clouds.checks import Refusal, tokens_of
from tests.servers.clouds.turn_checks import check_answered
from tests.servers.loopback import Exchange, Loopback

THOUGHT = {"reasoning_content": "What is there to do next?"}
"""Comes before everything that it says."""


class ScriptedModel(Loopback):
    """`plans` by model. `asked` are the requests that came, by model, each as it was sent."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        super().__init__(self._answer)
        self._plans = plans
        self.asked: dict[str, list[dict[str, Any]]] = {}

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.path != "/v1/chat/completions":
            await exchange.answer_json(404, {"error": {"message": f"there is no {exchange.path}"}})
            return
        asked = json.loads(exchange.body)
        model = asked["model"]
        self.asked.setdefault(model, []).append(asked)
        try:
            check_answered(asked["messages"], _refused)
            if model not in self._plans:
                raise _refused(f"there is no model {model}")
            say = said(asked, self._plans[model])
        except Refusal as refusal:
            await exchange.answer_json(refusal.status, refusal.body)
            return
        await _stream(exchange, asked, say)


def heard(asked: Sequence[dict[str, Any]]) -> str:
    """What a model was asked, in figures: most tools and kilobytes, and whether its thoughts came back."""
    if not asked:
        return ""
    tools = max(len(one.get("tools") or []) for one in asked)
    size = max(len(json.dumps(one)) for one in asked) / 1000
    back = any("reasoning_content" in turn for one in asked for turn in one["messages"])
    return f"{tools} tools, {size:.0f} KB" + (", thoughts came back" if back else "")


def _refused(message: str) -> Refusal:
    return Refusal(400, {"error": {"message": message, "type": "invalid_request_error"}})


async def _stream(exchange: Exchange, asked: dict[str, Any], say: tuple[Call, ...] | str) -> None:
    """AI-PAL asks for streams only."""
    deltas: list[dict[str, Any]] = [THOUGHT]
    if isinstance(say, str):
        deltas += ({"content": line} for line in say.splitlines(keepends=True))
    else:
        deltas.append({"content": f"I call {', '.join(call.tool for call in say)}."})
        deltas += _calls(say, f"call_{len(asked['messages'])}")
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time())}
    head["model"] = asked["model"]

    async def send(**fields: Any) -> None:
        await exchange.piece(b"data: " + json.dumps(head | fields).encode() + b"\n\n")

    await exchange.begin("text/event-stream")
    for number, delta in enumerate(deltas):
        role = {} if number else {"role": "assistant"}
        await send(choices=[{"index": 0, "delta": role | delta, "finish_reason": None}])
    reason = "stop" if isinstance(say, str) else "tool_calls"
    await send(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    prompt = tokens_of(asked["messages"])
    usage = {"prompt_tokens": prompt, "completion_tokens": len(deltas), "total_tokens": prompt + len(deltas)}
    await send(choices=[], usage=usage)
    await exchange.piece(b"data: [DONE]\n\n")
    await exchange.end()


def _calls(calls: Sequence[Call], name: str) -> Iterator[dict[str, Any]]:
    """Each begins before the arguments of the first; those come in two pieces, in turns."""
    texts = [json.dumps(call.arguments) for call in calls]
    for number, call in enumerate(calls):
        function = {"name": call.tool, "arguments": ""}
        yield _of_call(number, id=f"{name}_{number}", type="function", function=function)
    for first in (True, False):
        for number, text in enumerate(texts):
            half = len(text) // 2
            yield _of_call(number, function={"arguments": text[:half] if first else text[half:]})


def _of_call(number: int, **fields: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": number, **fields}]}
