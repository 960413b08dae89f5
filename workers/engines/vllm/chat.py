"""What vLLM is asked, in OpenAI's protocol and what it has added to it. Pure."""

from collections.abc import Sequence
from typing import Any

from ai_pal.errors import Code, Failure, fail
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import CompleteText
from workers.engines.option_names import refuse_unknown

NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repeat_penalty": "repetition_penalty",
    "seed": "seed",
    "max_tokens": "max_tokens",
}
"""Its names of ours."""

EXTRA = ("ignore_eos", "min_tokens", "stop_token_ids", "skip_special_tokens", "length_penalty")
"""What else a request may say to it by name."""

TEMPLATE = ("chat_template_kwargs", "continue_final_message", "add_generation_prompt")
"""What changes the prompt that a conversation becomes."""

STREAM = {
    "model": "model",
    "stream": True,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
}


def messages_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """As its template reads them."""
    return [{"role": one.role, "content": one.text} for one in messages]


def chat_body(messages: Sequence[Message], options: GenerationOptions) -> dict[str, Any]:
    """Raises `AiPalError` (`bad_request`) for options that it would not look at."""
    said: list[dict[str, Any]] = messages_of(messages)
    body = {**_both(options), "messages": said}
    if options.thinking == "off":
        body["chat_template_kwargs"] = {"enable_thinking": False}
    if options.prefill:
        said.append({"role": "assistant", "content": options.prefill})
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def count_body(messages: Sequence[Message], options: GenerationOptions) -> dict[str, Any]:
    """What it counts as the prompt of that answer. Raises as `chat_body`."""
    body = chat_body(messages, options)
    return {name: body[name] for name in ("model", "messages", *TEMPLATE) if name in body}


def completion_body(job: CompleteText) -> dict[str, Any]:
    """Raises as `chat_body`."""
    prompt = job.prompt + job.options.prefill if isinstance(job.prompt, str) else job.prompt
    return {**_both(job.options), "prompt": prompt}


def _both(options: GenerationOptions) -> dict[str, Any]:
    """What is said of a conversation and of raw text alike."""
    refuse_unknown(options.extra, (*EXTRA, *NAMES.values()), "vLLM")
    body: dict[str, Any] = {**options.extra, **STREAM}
    for name, its in NAMES.items():
        if (value := getattr(options, name)) is not None:
            body[its] = value
    if stop := [text for text in options.stop if text]:
        body["stop"] = stop
    if options.logit_bias:
        body["logit_bias"] = {str(token): bias for token, bias in options.logit_bias.items()}
    wanted = options.response_format
    if isinstance(wanted, JsonSchema):
        named = {"name": wanted.name, "schema": wanted.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif wanted is not None:
        body["response_format"] = {"type": "json_object"}
    return body


def usage_of(event: dict[str, Any]) -> Usage | None:
    """What has been computed so far, where this event tells."""
    told = event.get("usage")
    if not told:
        return None
    cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(told["prompt_tokens"], cached, told.get("completion_tokens") or 0)


def text_of(choice: dict[str, Any]) -> str:
    """The text that this event brings."""
    return str((choice.get("delta") or {}).get("content") or choice.get("text") or "")


def failure_of(status: int, error: dict[str, Any]) -> Failure:
    """What its refusal means."""
    message = str(error.get("message") or f"vLLM answered {status}")
    if status in (400, 422):
        return Failure(Code.BAD_REQUEST, message, "change the request; the same one will fail again")
    return Failure(Code.ENGINE_ERROR, message, retryable=True)


def check_finished(reason: str | None) -> None:
    """Raises `AiPalError` (`engine_error`) where an answer broke off."""
    if reason is None:
        fail(Code.ENGINE_ERROR, "vLLM broke the answer off", "see: ai-pal logs", retryable=True)
