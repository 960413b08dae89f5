"""How each provider is asked to think, or not to: its own parameters for it. Pure.

Thinking is a wish: what a model does not take of it is told, and left out."""

import re
from typing import Any

import msgspec

from ai_pal.protocol.families import bare, claude_version
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.thinking_levels import BUDGETS
from ai_pal.providers.abilities import abilities, always_thinks, can_think

USUAL, LEAST = "medium", 1024
"""The level of one that merely is to think, and the smallest budget of Claude's."""

LIMIT = 4096
"""Tokens of an answer beside its thoughts, where nobody has set a limit."""

ADAPTIVE, ENDED_BUDGETS, BY_DEFAULT = (4, 6), (4, 7), (5, 0)
"""Versions of Claude: from the first on it decides for itself how much it thinks, from the second on it takes
no budget, from the third on it thinks unless it is told not to."""


class Thinking(msgspec.Struct, frozen=True):
    """Parameters, what had to be left out or changed for people to know, and the names of options that are
    not taken beside them."""

    given: dict[str, Any] = {}
    told: tuple[str, ...] = ()
    drops: frozenset[str] = frozenset()


def of_openai(options: GenerationOptions, model: str, *, own: bool) -> Thinking:
    """OpenAI's models have levels; others on servers of its protocol too, or what their templates know."""
    level = options.thinking
    told = _budget_told(options)
    if level is None:
        return Thinking(told=told)
    if not own:
        switch = {"chat_template_kwargs": {"enable_thinking": level != "off"}}
        effort = {"off": "none", "on": None}.get(level, level)
        return Thinking(switch | ({"reasoning_effort": effort} if effort else {}), told)
    if "thinking" not in abilities("openai", model):
        return Thinking(told=told) if level == "off" else Thinking(told=(_unknown(level), *told))
    if level != "off":
        return Thinking({"reasoning_effort": USUAL if level == "on" else level}, told)
    least = _least_effort(bare(model))
    if least == "none":
        return Thinking({"reasoning_effort": least}, told)
    return Thinking({"reasoning_effort": least}, (f"thinking is {least}, it cannot be off there", *told))


def _least_effort(name: str) -> str:
    if re.match(r"o\d", name):
        return "low"
    return "minimal" if re.fullmatch(r"gpt-5(-.*)?", name) else "none"


def of_anthropic(options: GenerationOptions, model: str, *, forced: bool, unsigned: bool) -> Thinking:
    """Claude thinks by itself from 4.6 on, with a budget before. `forced`: it has to call a tool, and cannot
    think then. `unsigned`: calls in this conversation come without the thoughts before them, which a Claude
    with a budget wants to see."""
    name, version = bare(model), claude_version(model)
    level, budget = options.thinking, options.thinking_budget
    wanted = (level is not None and level != "off") or (budget is not None and level is None)
    if not wanted or not can_think(name):
        told = (
            *((_unknown(level or "on"),) if wanted else ()),
            *(_budget_told(options) if not wanted else ()),
        )
        off = _off(name, version) if level == "off" or forced else Thinking()
        return msgspec.structs.replace(off, told=(*told, *off.told))
    if forced:
        off = _off(name, version)
        told = (f"thinking {level or 'on'} is left out, it is not taken beside a call that is forced",)
        return msgspec.structs.replace(off, told=told)
    unknown = not name.startswith("claude")
    if version >= ENDED_BUDGETS or unknown or (version >= ADAPTIVE and budget is None):
        return _adaptive(options, version)
    if unsigned:
        return Thinking(told=(f"thinking {level or 'on'} is left out, the calls before it came without",))
    return _with_budget(options)


def _off(name: str, version: tuple[int, int]) -> Thinking:
    if always_thinks(name):
        told = ("thinking is low, it cannot be off there",)
        return Thinking({"output_config": {"effort": "low"}}, told)
    if version < BY_DEFAULT:
        return Thinking()
    kind = "between_tools" if "sonnet" in name and version >= (5, 5) else "disabled"
    return Thinking({"thinking": {"type": kind}})


_SAMPLING = frozenset({"temperature", "top_p", "top_k"})


def _adaptive(options: GenerationOptions, version: tuple[int, int]) -> Thinking:
    shown = {"display": "summarized"} if version >= ENDED_BUDGETS else {}
    given: dict[str, Any] = {"thinking": {"type": "adaptive", **shown}}
    if options.thinking not in (None, "on"):
        given["output_config"] = {"effort": options.thinking}
    if options.max_tokens is None:
        given["max_tokens"] = LIMIT + BUDGETS["high"]
    return Thinking(given, _budget_told(options), _SAMPLING)


def _with_budget(options: GenerationOptions) -> Thinking:
    """The limit of an answer counts its thoughts."""
    level = options.thinking or "on"
    budget = options.thinking_budget or BUDGETS[USUAL if level == "on" else level]
    told: list[str] = []
    if options.thinking_budget is not None and budget < LEAST:
        told.append(f"thinking_budget {budget} is raised to {LEAST}, the least that is taken")
    budget = max(budget, LEAST)
    limit = options.max_tokens if options.max_tokens is not None else budget + LIMIT
    if limit <= LEAST:
        return Thinking(told=(f"thinking {level} is left out, it takes a limit above {LEAST} tokens",))
    if budget >= limit:
        budget = below(limit)
        told.append(f"thinking_budget is {budget}, it has to be below max_tokens")
    thinking = {"type": "enabled", "budget_tokens": budget}
    return Thinking({"thinking": thinking, "max_tokens": limit}, tuple(told), _SAMPLING)


def below(limit: int) -> int:
    """A budget that leaves something of this limit for the answer."""
    return max(LEAST, limit * 3 // 4)


def of_cohere(options: GenerationOptions, model: str) -> Thinking:
    """Cohere switches it, and counts tokens."""
    level, budget = options.thinking, options.thinking_budget
    if level is None and budget is None:
        return Thinking()
    if "thinking" not in abilities("cohere", model):
        return Thinking() if level == "off" else Thinking(told=(_unknown(level or "on"),))
    if level == "off":
        return Thinking({"thinking": {"type": "disabled"}}, _budget_told(options))
    tokens = budget or BUDGETS.get(level or "")
    return Thinking({"thinking": {"type": "enabled", **({"token_budget": tokens} if tokens else {})}})


def of_ollama(options: GenerationOptions, model: str, *, able: bool) -> Thinking:
    """Ollama switches it; gpt-oss has levels."""
    level, told = options.thinking, _budget_told(options)
    if level is None:
        return Thinking(told=told)
    if not able:
        return Thinking(told=told) if level == "off" else Thinking(told=(_unknown(level), *told))
    if level in ("off", "on"):
        return Thinking({"think": level == "on"}, told)
    if "gpt-oss" in bare(model):
        return Thinking({"think": level}, told)
    return Thinking({"think": True}, (f"thinking {level} is on, it has no levels there", *told))


def _unknown(level: str) -> str:
    return f"thinking {level} is left out, it is not known there"


def _budget_told(options: GenerationOptions) -> tuple[str, ...]:
    budget = options.thinking_budget
    return () if budget is None else (f"thinking_budget {budget} is left out, it is not known there",)
