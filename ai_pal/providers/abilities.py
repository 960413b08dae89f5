"""What the models of providers can do, by the names of their families, and what a request needs. Pure.

A name that tells nothing is taken to be able: its server says so if it is not.
"""

import re
from collections.abc import Sequence

from ai_pal.errors import Code, Failure
from ai_pal.protocol import needs
from ai_pal.protocol.content import Message
from ai_pal.protocol.families import bare, claude_version
from ai_pal.protocol.options import Ability, GenerationOptions, JsonObject, NamedTool
from ai_pal.protocol.provider import Api, Provider, continues
from ai_pal.providers.prices import price_table

_ALWAYS: frozenset[Ability] = frozenset({"chat", "documents"})
_ALL: frozenset[Ability] = _ALWAYS | {"tools", "schema", "thinking", "images", "logprobs"}

_OPENAI: tuple[tuple[str, frozenset[Ability]], ...] = (
    (r"o1-(mini|preview).*", frozenset()),
    (r"o3-mini.*", frozenset({"tools", "schema", "thinking"})),
    (r"o\d.*", frozenset({"tools", "schema", "thinking", "images"})),
    (r".*audio.*", frozenset({"tools", "audio"})),
    (r"gpt-3\.5.*", frozenset({"tools", "logprobs"})),
    (r"gpt-4-turbo.*|gpt-4o-2024-05-13", frozenset({"tools", "images", "logprobs"})),
    (r"gpt-4(-(\d{4}|32k).*)?", frozenset({"tools", "logprobs"})),
    (r"gpt-4.*|chatgpt-4o.*", frozenset({"tools", "schema", "images", "logprobs"})),
    (r"gpt-5.*-chat.*", frozenset({"tools", "schema", "images"})),
    (r"gpt-5(-.*)?", frozenset({"tools", "schema", "thinking", "images"})),
)
"""https://platform.openai.com/docs/models. The first that fits counts."""

MOST_ALTERNATIVES = 20
"""To each token of an answer, for logprobs; Cohere has none."""


def abilities(api: Api, model: str, *, own: bool = True) -> frozenset[Ability]:
    """What a model can. `own`: it is asked at the maker's own address; other servers of OpenAI's protocol
    serve whatever they serve, and an Ollama tells it of each of its models when it is asked."""
    name = bare(model)
    if api == "ollama":
        return _ALL
    if api == "machine":
        return _ALL | {"audio"}  # its own supervisor says what its model cannot
    if api == "anthropic":
        return _ALL - {"logprobs"} if can_think(name) else _ALL - {"logprobs", "thinking"}
    if api == "cohere":
        return _cohere(name)
    if not own:
        return _ALL | {"audio"}
    known = next((able for pattern, able in _OPENAI if re.fullmatch(pattern, name)), _ALL)
    return _ALWAYS | known


def can_think(claude: str) -> bool:
    """Whether a Claude thinks: all from 3.7 on do."""
    return not re.match(r"claude-(instant|[12]\b|3-(opus|sonnet|haiku|5))", claude)


def always_thinks(claude: str) -> bool:
    """Whether a Claude cannot be kept from thinking; such a one cannot be made to call a tool either."""
    name = bare(claude)
    return bool(re.match(r"claude-fable", name)) or ("opus" in name and claude_version(name) >= (5, 5))


def _cohere(name: str) -> frozenset[Ability]:
    """https://docs.cohere.com/docs/models"""
    able: set[Ability] = {"tools", "schema", "logprobs", *_ALWAYS}
    if "vision" in name or "command-a-plus" in name:
        able.add("images")
    if "reasoning" in name or "command-a-plus" in name:
        able.add("thinking")
    return frozenset(able)


def needed(messages: Sequence[Message], options: GenerationOptions) -> list[Ability]:
    """What a request cannot do without. Of a provider, thinking is a mere wish."""
    return [need for need in needs.of_chat(messages, options) if need != "thinking"]


def lacking(
    provider: Provider, model: str, messages: Sequence[Message], options: GenerationOptions
) -> list[str]:
    """What of a request a model of this provider cannot do, to go on behind 'it cannot'; nothing where it may
    be asked."""
    api, able = provider.api, abilities(provider.api, model, own=not provider.base_url)
    missing = [needs.WHAT[need] for need in needed(messages, options) if need not in able]
    forced = options.tool_choice == "required" or isinstance(options.tool_choice, NamedTool)
    if options.tools and forced and (api == "ollama" or (api == "anthropic" and always_thinks(model))):
        missing.append("be made to call a tool")
    if options.tools and options.response_format is not None and api in ("cohere", "ollama"):
        missing.append("call tools and keep to a format at once")
    if isinstance(options.response_format, JsonObject) and api == "anthropic" and always_thinks(model):
        missing.append("be held to JSON without a schema")
    if options.prefill and api != "machine" and not continues(api, model):
        missing.append("go on from a prefill")
    if options.logprobs and (api == "cohere" or options.logprobs > MOST_ALTERNATIVES):
        missing.append(f"tell {options.logprobs} alternatives to its tokens (logprobs)")
    if options.lora:
        missing.append("be given an adapter (lora), which only models of this machine take")
    window = known_window(provider, model)
    if options.context and 0 < window < options.context:
        missing.append(f"hold {options.context} tokens (its window has {window})")
    return missing


def known_window(provider: Provider, model: str) -> int:
    """The tokens of a model's window; 0 where nobody has told, and for an Ollama, which tells itself."""
    if provider.base_url or provider.api == "ollama":
        return 0
    price = price_table().find(provider.name, model)
    return price.window if price is not None else 0


def unsupported(provider: Provider, model: str, missing: Sequence[str]) -> Failure:
    """The verdict on a request that needs what a model lacks."""
    message = f"{model} of {provider.name} cannot {' or '.join(missing)}"
    return Failure(Code.UNSUPPORTED, message, "leave it out, or ask another model")
