"""Raw completion and infill as llama.cpp's server is asked for them. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import CompleteText
from workers.engines.llamacpp.request import format_grammar, sampling_body, stops_of
from workers.engines.llamacpp.template import Template

OF_CHATS = {"messages", "tools", "tool_choice", "parallel_tool_calls", "chat_template_kwargs", "top_logprobs"}
EMPTY = {"input_prefix": "", "input_suffix": "", "n_predict": 0}
"""What the server makes of it are the marks alone."""


class Marks(NamedTuple):
    """Tokens that tell a model what stands before a gap, what behind it, and that the gap comes now.

    The server's own route for it takes 3/4 of a prefill chunk of the one and 1/4 of the other, and drops the
    rest without a word."""

    prefix: int
    suffix: int
    middle: int

    def around(self, before: Sequence[int], behind: Sequence[int]) -> list[int]:
        """The prompt after which the model writes what belongs in between."""
        return [self.prefix, *before, self.suffix, *behind, self.middle]


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
    if not isinstance(request.prompt, str):
        return body | {"prompt": request.prompt}
    return body | {"prompt": request.prompt + options.prefill}


def tokens_body(body: dict[str, Any], prompt: Sequence[int] | str | dict[str, Any]) -> dict[str, Any]:
    """The request of a chat for its rendered prompt, as tokens, as a text, or as one with pictures."""
    plain = {name: value for name, value in body.items() if name not in OF_CHATS}
    if plain.pop("logprobs", False):
        plain["n_probs"] = body["top_logprobs"]
    return plain | {"prompt": prompt if isinstance(prompt, str | dict) else list(prompt)}


def most_tokens(request: CompleteText) -> int:
    """How many tokens its prompt has at most: one for each byte, what begins it, and marks."""
    if not isinstance(request.prompt, str):
        return len(request.prompt)
    texts = [request.prompt, request.suffix or "", request.options.prefill]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + 1 + len(Marks._fields)
