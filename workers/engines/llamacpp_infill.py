"""Raw completion and infill as llama.cpp's server is asked for them. Pure."""

from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import CompleteText
from workers.engines.llamacpp_request import format_grammar, sampling_body, stops_of
from workers.engines.llamacpp_template import Template

ENDS = {"eos": "stop", "word": "stop", "limit": "length"}


def text_body(request: CompleteText) -> dict[str, Any]:
    """Raises `AiPalError` (`bad_request`, `unsupported`) for what has no meaning without a template."""
    options = request.options
    for name in ("tools", "thinking", "thinking_budget"):
        if getattr(options, name):
            fail(Code.BAD_REQUEST, f"{name} has no meaning for raw text", "leave it out, or ask in a chat")
    body = sampling_body(options)
    if stops := stops_of(options):
        body["stop"] = stops
    if options.response_format is not None:
        if options.prefill:
            message = "an answer that begins with a given text cannot be held to a format"
            fail(Code.BAD_REQUEST, message, "leave prefill out")
        body["grammar"] = format_grammar(options, Template(), "")
    if options.logprobs is not None:
        body["n_probs"] = max(options.logprobs, 1)
    if request.suffix is None:
        return body | {"prompt": request.prompt + options.prefill}
    return body | {
        "input_prefix": request.prompt + options.prefill,
        "input_suffix": request.suffix,
        "input_extra": [],
    }


def completion_chunk(chunk: dict[str, Any]) -> dict[str, Any]:
    """An event of the server's own form as one of a completion."""
    if "error" in chunk or "choices" in chunk:
        return chunk
    probabilities = chunk.get("completion_probabilities")
    choice = {
        "text": chunk.get("content", ""),
        "logprobs": {"content": probabilities} if probabilities else None,
        "finish_reason": ENDS.get(chunk.get("stop_type", ""), "stop") if chunk.get("stop") else None,
    }
    told: dict[str, Any] = {name: chunk[name] for name in ("prompt_progress", "timings") if name in chunk}
    told.setdefault("timings", {"predicted_n": chunk.get("tokens_predicted", 0)})
    if chunk.get("stop"):
        told["usage"] = {
            "prompt_tokens": chunk.get("tokens_evaluated", 0),
            "completion_tokens": chunk.get("tokens_predicted", 0),
            "prompt_tokens_details": {"cached_tokens": chunk.get("timings", {}).get("cache_n", 0)},
        }
    return {"choices": [choice], **told}
