"""What OpenAI's doors are asked for beside what OpenAI publishes, the same on each: local servers have it."""

from typing import Annotated, Any, Literal

import msgspec

from ai_pal.gateway.asking import wishes
from ai_pal.gateway.asking.engine_sampling import LlamaSampling, said_of
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.options import Grammar, JsonSchema, ResponseFormat


class Local(LlamaSampling, kw_only=True):
    """None says nothing. What is kept of prompts, and where it is, is AI-PAL's to plan: `cache_prompt` and
    `id_slot` change no answer."""

    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0)] | None = None
    n_predict: Annotated[int, msgspec.Meta(ge=-1)] | None = None
    num_ctx: int | None = None
    keep_alive: str | float | None = None
    grammar: str | None = None
    json_schema: dict[str, Any] | None = None
    skip_special_tokens: bool | None = None
    timings_per_token: bool | None = None
    return_progress: bool | None = None
    n_probs: int | None = None
    cache_prompt: bool | None = None
    id_slot: int | None = None


INSTEAD = {
    "timings_per_token": "what an answer took is told at its end, as its usage",
    "return_progress": "a stream's comments tell it, where reading the prompt takes long",
    "n_probs": "logprobs and top_logprobs tell what could have come",
}
"""What llama.cpp's clients ask for, and what tells it here."""


class ThinkingSwitch(msgspec.Struct, forbid_unknown_fields=True):
    """As DeepSeek, GLM and Kimi have it."""

    type: Literal["enabled", "disabled", "adaptive", "auto"]
    budget_tokens: int | None = None


class LocalChat(Local, kw_only=True):
    """What may think: the field has many names, and one meaning."""

    think: bool | str | None = None
    thinking: ThinkingSwitch | None = None
    enable_thinking: bool | None = None
    reasoning_effort: str | None = None
    thinking_budget: int | None = None
    thinking_budget_tokens: int | None = None
    chat_template_kwargs: wishes.TemplateKwargs | None = None


def local_wishes(asked: Local, form: ResponseFormat | None) -> dict[str, Any]:
    """These as keywords of any client; `form` is what OpenAI's own fields hold an answer to. Raises
    `BodyError`."""
    if asked.skip_special_tokens is False:
        raise BodyError("the marks of a model are never told", "skip_special_tokens", "leave it out")
    for name, instead in INSTEAD.items():
        if getattr(asked, name):
            raise BodyError(f"this cannot be had here: {instead}", name, "leave it out")
    return {
        "top_k": asked.top_k,
        "min_p": asked.min_p,
        "repeat_penalty": either(asked, "repeat_penalty", "repetition_penalty"),
        "context": asked.num_ctx,
        "keep_alive": wishes.keep_alive(asked.keep_alive),
        "response_format": _held_to(asked, form),
        "extra": said_of(asked) or None,
    }


def thoughts(asked: LocalChat, **said: Any) -> dict[str, Any]:
    """Whether to think, and for how long, by these fields and by others that say so. Raises `BodyError`."""
    switch = asked.thinking
    budgets = {
        "thinking.budget_tokens": switch.budget_tokens if switch else None,
        **{name: getattr(asked, name) for name in ("thinking_budget", "thinking_budget_tokens")},
        **{name: said.pop(name) for name in [*said] if name.endswith("max_tokens")},
    }
    found = {value: name for name, value in budgets.items() if value is not None}
    if len(found) > 1:
        raise BodyError(f"{' and '.join(found.values())} say different things", next(iter(found.values())))
    on = wishes.thinking(
        {
            "think": asked.think,
            "thinking.type": switch.type if switch else None,
            "enable_thinking": asked.enable_thinking,
            "reasoning_effort": asked.reasoning_effort,
            **wishes.of_template(asked.chat_template_kwargs),
            **said,
        }
    )
    return {"thinking": on, "thinking_budget": next(iter(found), None)}


def most_tokens(asked: Local, most: int | None) -> int | None:
    """How long an answer may be; llama.cpp's clients write -1 where it may be of any length. Raises
    `BodyError`: two that differ."""
    if asked.n_predict is not None and most not in (None, asked.n_predict):
        raise BodyError("n_predict and max_tokens say different things", "n_predict")
    return most if asked.n_predict in (None, -1) else asked.n_predict


def either(asked: msgspec.Struct, name: str, other: str) -> Any:
    """What may be said under two names. Raises `BodyError`: they differ."""
    one, two = getattr(asked, name), getattr(asked, other)
    if one is not None and two is not None and one != two:
        raise BodyError(f"{name} and {other} say different things", other)
    return two if one is None else one


def _held_to(asked: Local, form: ResponseFormat | None) -> ResponseFormat | None:
    own: dict[str, ResponseFormat] = {}
    if asked.grammar is not None:
        own["grammar"] = Grammar(asked.grammar)
    if asked.json_schema is not None:
        own["json_schema"] = JsonSchema(asked.json_schema)
    if len(own) + (form is not None) > 1:
        raise BodyError("an answer is held to a grammar or to a form, not to both", next(iter(own)))
    return next(iter(own.values()), form)
