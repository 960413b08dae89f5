"""What a response repeats of its request. Pure."""

from typing import Any

import msgspec

from ai_pal.gateway.openai.responses.request import ReasoningWish, ResponsesBody, TextWish


def echo(asked: ResponsesBody) -> dict[str, Any]:
    """All fields, in OpenAI's names. Where nothing was said stand OpenAI's defaults: Open Responses wants
    numbers there, and OpenAI's own schema a text as `user`."""
    text, wish = asked.text or TextWish(), asked.reasoning or ReasoningWish()
    return {
        "background": bool(asked.background),
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "max_tool_calls": asked.max_tool_calls,
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "prompt_cache_key": asked.prompt_cache_key,
        "prompt_cache_retention": asked.prompt_cache_retention,
        "reasoning": {"effort": wish.effort, "summary": wish.summary or wish.generate_summary},
        "safety_identifier": asked.safety_identifier,
        "service_tier": "default",
        "store": asked.store is not False,
        "temperature": 1.0 if asked.temperature is None else asked.temperature,
        "text": {
            "format": _format(text),
            "verbosity": text.verbosity or "medium",
        },
        "tool_choice": asked.tool_choice or "auto",
        "tools": [_tool(tool) for tool in asked.tools or []],
        "top_logprobs": asked.top_logprobs or 0,
        "top_p": 1.0 if asked.top_p is None else asked.top_p,
        "presence_penalty": asked.presence_penalty or 0.0,
        "frequency_penalty": asked.frequency_penalty or 0.0,
        "truncation": asked.truncation or "disabled",
        "user": asked.user or "",
        "metadata": asked.metadata or {},
    }


def _format(text: TextWish) -> dict[str, Any]:
    if text.format is None:
        return {"type": "text"}
    told: dict[str, Any] = msgspec.to_builtins(text.format)
    if told["type"] == "json_schema":  # no nulls, and nothing left out
        return told | {"description": told["description"] or "", "strict": bool(told["strict"])}
    return {"type": told["type"]}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": False, **tool}
