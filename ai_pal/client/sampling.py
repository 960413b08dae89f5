"""How an answer is to be sampled: keywords, the same on every face, and the options that come of them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import msgspec

from ai_pal.client.tools import AnyTool, choice_of, tools_of
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.option_rules import objection_to_types, objection_to_value
from ai_pal.protocol.options import GenerationOptions, ResponseFormat, Thinking, ToolChoice
from ai_pal.protocol.value_rules import plain

T = TypeVar("T")


class Options(TypedDict, total=False):
    """The fields of `GenerationOptions` as keywords; what is left out, or None, is up to the model. `options`
    holds them in one value; a field that is given there and as a keyword is a `TypeError`. `extra` goes to
    the engine as it is. `tools` are values of `Tool`, dicts (OpenAI's form too), or functions, whose
    signature and docstring say what they take; `tool_choice` may be the name of one.
    `lora` names adapters as `FILE` or `FILE=SCALE`."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    extra: dict[str, Any] | None
    top_k: int | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repeat_penalty: float | None
    logit_bias: dict[int, float] | None
    logprobs: int | None
    response_format: ResponseFormat | None
    tools: Sequence[AnyTool] | None
    tool_choice: ToolChoice | str | None
    parallel_tool_calls: bool | None
    thinking: Thinking | None
    thinking_budget: int | None
    context: int | None
    prefill: str | None
    stop_repeating: bool | None
    trim: bool | None
    lora: Sequence[str] | None
    options: GenerationOptions | None


class Sampling(Options, total=False):
    """How to answer: `system` is put before the prompt, `deadline` is in seconds for the whole answer."""

    system: str | None
    deadline: float | None


_NAMES = ", ".join(Sampling.__annotations__)
_HINT = f"options are: {_NAMES}; a prompt is a text, or messages with role and content"

FIELDS = GenerationOptions.__struct_fields__
OPTION_FIELDS = frozenset(GenerationOptions.__struct_fields__) - {"extra"}


def options_of(how: Mapping[str, Any]) -> GenerationOptions:
    """The options of these keywords. Raises `AiPalError` (`bad_request`) for values that cannot be, and
    `TypeError` for a field that is given twice, and for options that are none."""
    whole: GenerationOptions | None = how.get("options")
    if not isinstance(whole, GenerationOptions | None):  # a misspelt name in a dict would say nothing
        raise TypeError(
            f"options takes GenerationOptions(...), not {type(whole).__name__}: "
            "options=GenerationOptions(max_tokens=20)"
        )
    single = {name: how[name] for name in FIELDS if how.get(name) is not None}
    for name in single:
        if whole is not None and getattr(whole, name) not in (None, [], {}, ""):
            raise TypeError(f"{name} is given twice: as a keyword and in options")
    if not single and whole is None:
        return GenerationOptions()
    if "stop" in single:
        single["stop"] = _texts(single["stop"])
    if "tools" in single or "tool_choice" in single:
        _read_tools(single)
    for name, value in single.items():
        _refuse(objection_to_value(name, value))
    if whole is not None:
        _refuse(objection_to_types(whole))
    own = converted(msgspec.to_builtins(single, enc_hook=plain), GenerationOptions)
    options = in_their_fields(own if whole is None else own.over(whole))
    if not options.lora:
        return options
    from ai_pal.formats.adapters import absolute  # few ask for any, and it reads files of models

    return msgspec.structs.replace(options, lora=[absolute(one) for one in options.lora])


def in_their_fields(options: GenerationOptions) -> GenerationOptions:
    """What `extra` calls by the name of a field is that field. Raises as `options_of`."""
    fields = {name: value for name, value in options.extra.items() if name in OPTION_FIELDS}
    if not fields:
        return options
    for name in fields:
        if getattr(options, name) not in (None, [], {}, ""):
            raise TypeError(f"{name} is given twice: as an option of its own and in extra")
    for name, value in fields.items():
        _refuse(objection_to_value(name, value))
    rest = {name: value for name, value in options.extra.items() if name not in fields}
    given = msgspec.to_builtins(options, enc_hook=plain) | {"extra": rest} | fields
    return converted(given, GenerationOptions)


def _texts(stop: object) -> object:
    """One text is a list of it."""
    return [stop] if isinstance(stop, str) else list(stop) if isinstance(stop, Sequence) else stop


def _read_tools(single: dict[str, Any]) -> None:
    """Tools, and which of them, in the forms in which people have them."""
    for name, read in (("tools", tools_of), ("tool_choice", choice_of)):
        if name in single:
            single[name] = read(single[name])


def _refuse(why: str) -> None:
    if why:
        raise AiPalError(Failure(Code.BAD_REQUEST, why, "correct it, or leave it out"))


def converted(value: Any, kind: type[T]) -> T:
    """The value as this kind. Raises `AiPalError` (`bad_request`)."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise AiPalError(Failure(Code.BAD_REQUEST, f"this cannot be asked: {error}", _HINT)) from None
