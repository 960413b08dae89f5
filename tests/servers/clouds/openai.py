"""OpenAI's chat completions, as strict as the reference and its error messages.

https://platform.openai.com/docs/api-reference/chat/create; the SDK's own types for the fields."""

import json
from typing import Any

import msgspec
from openai.types.chat import completion_create_params

from tests.servers.clouds import schema_checks, turn_checks
from tests.servers.clouds.checks import (
    Refusal,
    bearer,
    body_of,
    echo,
    is_count,
    is_number,
    texts_of,
    tokens_of,
)
from tests.servers.loopback import Exchange

KEY = "openai-test-key"

FIELDS = frozenset(completion_create_params.CompletionCreateParamsBase.__annotations__) | {"stream"}
ROLES = ("developer", "system", "user", "assistant", "tool", "function")


class Model(msgspec.Struct, frozen=True):
    """`window` and `most` (of an answer) in tokens. `reasons`: "always", or unless asked not to ("asked").
    `efforts` are those that it takes."""

    window: int = 128_000
    most: int = 16_384
    reasons: str = ""
    stops: bool = True
    efforts: tuple[str, ...] = ("low", "medium", "high")
    sees: bool = True
    schemas: bool = True


MODELS = {
    "gpt-3.5-turbo": Model(16_385, 4096, sees=False, schemas=False),
    "gpt-4": Model(8192, 8192, sees=False, schemas=False),
    "gpt-4o": Model(),
    "gpt-4o-mini": Model(),
    "gpt-4.1": Model(1_047_576, 32_768),
    "o1": Model(200_000, 100_000, "always"),
    "o3": Model(200_000, 100_000, "always", stops=False),
    "o4-mini": Model(200_000, 100_000, "always", stops=False),
    "gpt-5": Model(400_000, 128_000, "always", stops=False, efforts=("minimal", "low", "medium", "high")),
    "gpt-5-mini": Model(
        400_000, 128_000, "always", stops=False, efforts=("minimal", "low", "medium", "high")
    ),
    "gpt-5.1": Model(400_000, 128_000, "asked", efforts=("none", "low", "medium", "high")),
    "my-deployment": Model(400_000, 128_000, "always", stops=False),
}


async def openai(exchange: Exchange) -> None:
    """Answer one request."""
    try:
        _authorized(exchange)
        if (exchange.method, exchange.path) == ("GET", "/v1/models"):
            rows = [{"id": name, "object": "model", "created": 1, "owned_by": "openai"} for name in MODELS]
            await exchange.answer_json(200, {"object": "list", "data": rows})
            return
        if (exchange.method, exchange.path) != ("POST", "/v1/chat/completions"):
            raise _refused(f"Invalid URL ({exchange.method} {exchange.path})", status=404)
        asked = body_of(exchange)
        if asked is None:
            raise _refused("We could not parse the JSON body of your request.")
        check(asked)
    except Refusal as refusal:
        await exchange.answer_json(refusal.status, refusal.body)
        return
    await _answer(exchange, asked)


def check(asked: dict[str, Any]) -> None:
    """Raises `Refusal` for what the API does not take."""
    for name in asked:
        if name not in FIELDS:
            raise _refused(f"Unrecognized request argument supplied: {name}")
    model = _model(asked)
    _check_messages(asked.get("messages"), model)
    _check_limit(asked, model)
    _check_tools(asked)
    _check_form(asked, model)
    _check_logprobs(asked, model)
    _check_sampling(asked, model)
    _check_rest(asked, model)
    if tokens_of(asked["messages"]) > model.window:
        text = f"This model's maximum context length is {model.window} tokens. However, your messages"
        raise _refused(f"{text} resulted in more tokens.", "messages", "context_length_exceeded")


def _refused(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Refusal:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refusal(status, {"error": error})


def _authorized(exchange: Exchange) -> None:
    key = bearer(exchange)
    if not key:
        raise _refused("You didn't provide an API key.", status=401)
    if key != KEY:
        shown = f"{key[:8]}{'*' * 8}{key[-4:]}"
        raise _refused(f"Incorrect API key provided: {shown}.", code="invalid_api_key", status=401)


def _model(asked: dict[str, Any]) -> Model:
    name = asked.get("model")
    if not isinstance(name, str):
        raise _refused("you must provide a model parameter")
    if name not in MODELS:
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise _refused(message, code="model_not_found", status=404)
    return MODELS[name]


TURNS = {
    "assistant": {"role", "content", "tool_calls", "refusal", "name"},
    "tool": {"role", "content", "tool_call_id"},
}
"""Fields of turns, where they are more than a role, a content and a name."""


def _check_messages(messages: object, model: Model) -> None:
    if not isinstance(messages, list):
        raise _refused("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not messages:
        raise _refused("Invalid 'messages': empty array.", "messages", "empty_array")
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _refused(f"Invalid value: '{place}.role'.", f"{place}.role", "invalid_value")
        for name in message.keys() - TURNS.get(message["role"], {"role", "content", "name"}):
            raise _refused(f"Unknown parameter: '{place}.{name}'.", f"{place}.{name}", "unknown_parameter")
        if message.get("content") is None and message.get("tool_calls"):
            continue
        if not isinstance(message.get("content"), str | list):
            text = "expected a string or an array of objects"
            raise _refused(f"Invalid type for '{place}.content': {text}.", f"{place}.content", "invalid_type")
        if isinstance(message["content"], list):
            _check_parts(message["role"], message["content"], model)
    turn_checks.check_answered(messages, _refused)


def _check_parts(role: str, parts: list[dict[str, Any]], model: Model) -> None:
    for part in parts:
        if part.get("type") == "image_url" and role == "user":
            if not model.sees:
                raise _refused("Invalid content type. image_url is only supported by certain models.")
            turn_checks.check_data_uri(part["image_url"]["url"], _refused)
        elif part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise _refused(f"Invalid content type {part.get('type')} in a turn of {role}")


def _check_tools(asked: dict[str, Any]) -> None:
    choice = asked.get("tool_choice")
    if asked.get("tools") is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in asked:
                raise _refused(f"'{name}' is only allowed when 'tools' are specified.", name)
        return
    names = turn_checks.check_functions(asked["tools"], _refused)
    if isinstance(choice, dict) and choice.get("function", {}).get("name") not in names:
        raise _refused("Tool choice not found in 'tools' parameter.", "tool_choice")
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        raise _refused("Invalid value: 'tool_choice'.", "tool_choice")


KEYWORDS = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "$ref"}
    | {"$defs", "definitions", "description", "title", "pattern", "format", "multipleOf", "maximum"}
    | {"minimum", "exclusiveMaximum", "exclusiveMinimum", "minItems", "maxItems"}
)


def _check_form(asked: dict[str, Any], model: Model) -> None:
    form = asked.get("response_format")
    if form is None:
        return
    if form.get("type") == "json_object":
        if "json" not in json.dumps(asked["messages"]).lower():
            text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
            raise _refused(f"{text} 'json_object'.", "messages")
        return
    if not model.schemas:
        text = "'response_format' of type 'json_schema' is not supported with this model."
        raise _refused(f"Invalid parameter: {text}", "response_format")
    told = form["json_schema"]
    if not turn_checks.TOOL_NAME.fullmatch(told["name"]):
        raise _refused("Invalid 'response_format.json_schema.name': string does not match pattern.")
    if told.get("strict"):
        schema_checks.check(told["schema"], _refused, keywords=KEYWORDS, full=True, closed=True)
        if told["schema"].get("type") != "object":
            raise _refused("schema must be a JSON Schema of 'type: \"object\"'")


def _check_logprobs(asked: dict[str, Any], model: Model) -> None:
    if not asked.get("logprobs"):
        if asked.get("top_logprobs") is not None:
            raise _refused("top_logprobs is only allowed when logprobs is enabled", "top_logprobs")
        return
    if model.reasons == "always":
        raise _unsupported("Unsupported parameter: 'logprobs' is not supported with this model.", "logprobs")
    if not 0 <= asked.get("top_logprobs", 0) <= 20:
        raise _refused("Invalid 'top_logprobs': integer out of range.", "top_logprobs")


def _check_limit(asked: dict[str, Any], model: Model) -> None:
    old, new = asked.get("max_tokens"), asked.get("max_completion_tokens")
    if old is not None and new is not None:
        raise _refused("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    if old is not None and model.reasons:
        text = "Unsupported parameter: 'max_tokens' is not supported with this model."
        raise _unsupported(f"{text} Use 'max_completion_tokens' instead.", "max_tokens")
    name, limit = ("max_tokens", old) if old is not None else ("max_completion_tokens", new)
    if limit is None:
        return
    if not is_count(limit) or limit < 1:
        text = f"Invalid '{name}': integer below minimum value. Expected a value >= 1"
        raise _refused(f"{text}, but got {limit} instead.", name, "integer_below_min_value")
    if limit > model.most:
        text = f"{name} is too large: {limit}. This model supports at most {model.most} completion tokens"
        raise _refused(f"{text}, whereas you provided {limit}.", name, "invalid_value")


def _check_sampling(asked: dict[str, Any], model: Model) -> None:
    for name, low, high in (
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("frequency_penalty", -2, 2),
        ("presence_penalty", -2, 2),
    ):
        value = asked.get(name)
        if value is None:
            continue
        if not is_number(value):
            raise _refused(f"Invalid type for '{name}': expected a decimal.", name, "invalid_type")
        if not low <= value <= high:
            way, sign, edge = ("below minimum", ">=", low) if value < low else ("above maximum", "<=", high)
            text = f"Invalid '{name}': decimal {way} value. Expected a value {sign} {edge}"
            raise _refused(f"{text}, but got {value} instead.", name, "decimal_out_of_range")
    if model.reasons == "always" or asked.get("reasoning_effort", "none") != "none":
        _check_reasoning(asked)


def _check_reasoning(asked: dict[str, Any]) -> None:
    for name, only in (("temperature", 1), ("top_p", 1), ("frequency_penalty", 0), ("presence_penalty", 0)):
        if asked.get(name) not in (None, only):
            text = f"Unsupported value: '{name}' does not support {asked[name]} with this model."
            raise _refused(f"{text} Only the default ({only}) value is supported.", name, "unsupported_value")
    if asked.get("logit_bias"):
        raise _unsupported(
            "Unsupported parameter: 'logit_bias' is not supported with this model.", "logit_bias"
        )


def _check_rest(asked: dict[str, Any], model: Model) -> None:
    stop = asked.get("stop")
    if stop is not None:
        texts = [stop] if isinstance(stop, str) else stop
        if not model.stops:
            raise _unsupported("Unsupported parameter: 'stop' is not supported with this model.", "stop")
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise _refused("Invalid type for 'stop'.", "stop", "invalid_type")
        if len(texts) > 4:
            text = "Invalid 'stop': array too long. Expected an array with maximum length 4"
            raise _refused(f"{text}, but got an array with length {len(texts)} instead.", "stop")
        if any(not text for text in texts):
            raise _refused("Invalid 'stop': empty string.", "stop", "empty_string")
    if asked.get("seed") is not None and not is_count(asked["seed"]):
        raise _refused("Invalid type for 'seed': expected an integer.", "seed", "invalid_type")
    if asked.get("stream_options") is not None and not asked.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise _refused(text, "stream_options")
    _check_effort(asked, model)
    for bias in (asked.get("logit_bias") or {}).values():
        if not -100 <= bias <= 100:
            raise _refused("Invalid 'logit_bias': decimal out of range.", "logit_bias")


def _check_effort(asked: dict[str, Any], model: Model) -> None:
    effort = asked.get("reasoning_effort")
    if effort is not None and not model.reasons:
        raise _unsupported("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort")
    if effort is not None and effort not in model.efforts:
        text = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
        raise _refused(text, "reasoning_effort", "unsupported_value")


def _unsupported(message: str, param: str) -> Refusal:
    return _refused(message, param, "unsupported_parameter")


async def _answer(exchange: Exchange, asked: dict[str, Any]) -> None:
    assert asked.get("stream") is True, "AI-PAL streams"
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    last = asked["messages"][-1]
    words, cut = echo(" ".join(texts_of(last["content"])), limit)
    form = asked.get("response_format") or {}
    calls = called(asked) if last["role"] != "tool" else []
    if form.get("type") == "json_schema":
        schema = form["json_schema"]["schema"]
        words, cut = [json.dumps(schema_checks.smallest(schema, schema))], False
    elif form:
        words, cut = ['{"said": ', "true}"], False
    await exchange.begin("text/event-stream")
    await _chunk(exchange, asked, [{"index": 0, "delta": {"role": "assistant", "content": ""}}])
    for word in words if not calls else ():
        told = {"content": [_likely(word, asked)]} if asked.get("logprobs") else None
        choice = {"index": 0, "delta": {"content": word}, "logprobs": told, "finish_reason": None}
        await _chunk(exchange, asked, [choice])
    for place, name in enumerate(calls):
        first: dict[str, Any] = {
            "id": f"call_{place}",
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        arguments = json.dumps({"said": words[0]})
        for delta in (
            first,
            *({"function": {"arguments": piece}} for piece in (arguments[:5], arguments[5:])),
        ):
            calls_delta = {"tool_calls": [{"index": place, **delta}]}
            await _chunk(exchange, asked, [{"index": 0, "delta": calls_delta, "finish_reason": None}])
    reason = "tool_calls" if calls else "length" if cut else "stop"
    await _chunk(exchange, asked, [{"index": 0, "delta": {}, "finish_reason": reason}])
    if (asked.get("stream_options") or {}).get("include_usage"):
        prompt = tokens_of(asked["messages"])
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": len(words),
            "total_tokens": prompt + len(words),
        }
        await _chunk(exchange, asked, [], usage=usage)
    await exchange.piece(b"data: [DONE]\n\n")
    await exchange.end()


def called(asked: dict[str, Any]) -> list[str]:
    """The tools that are called: the one that has to be, else all of them, or one at a time."""
    choice = asked.get("tool_choice")
    if choice == "none":
        return []
    if isinstance(choice, dict):
        return [choice["function"]["name"]]
    names = [tool["function"]["name"] for tool in asked.get("tools") or []]
    return names if asked.get("parallel_tool_calls", True) else names[:1]


def _likely(word: str, asked: dict[str, Any]) -> dict[str, Any]:
    token = {"token": word, "logprob": -0.5, "bytes": list(word.encode())}
    return token | {"top_logprobs": [token] * asked.get("top_logprobs", 0)}


async def _chunk(exchange: Exchange, asked: dict[str, Any], choices: list[Any], **more: Any) -> None:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
    await exchange.piece(b"data: " + json.dumps(head | {"choices": choices} | more).encode() + b"\n\n")
