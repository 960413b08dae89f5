"""How something is asked: the keywords of both clients, and the request that comes of them."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from ai_pal.client.keywords import refuse_unknown, require
from ai_pal.client.prompt import Prompt, conversation
from ai_pal.client.sampling import Sampling, options_of
from ai_pal.client.usual import NOTHING, Usual
from ai_pal.config.egress_environment import pip_settings
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.request_rules import objection_to_types
from ai_pal.protocol.requests import SEE, objection

R = TypeVar("R", bound=wire.AnyRequest)

LOCAL_ONLY, MINE = "AI_PAL_LOCAL_ONLY", "AI_PAL_MINE"
_NO = ("", "0", "false", "no", "off")


class Asking(Sampling, total=False):
    """Besides how to sample: `model` empty lets the router choose, by the prompt and by `goal`, and
    `openai:gpt-4` names a provider's. With `pull` a model that is not here is downloaded first, if it has at
    most `pull_limit` bytes (0: of any size). `keep_alive` is in seconds, `max_cost` in US dollars. With
    `local_only` nothing leaves this machine; `AI_PAL_LOCAL_ONLY=1` says so for all; with `mine`
    (`AI_PAL_MINE=1`) it may go to other machines of the user's as well. Without `fallback` only
    the first of the plan is asked; with `continuation` another may go on where one broke off, after a
    notice. `task` says what kind of work it is, where that is known; `principal` for whom is
    asked, where that is not always the same: they have their turns as clients do. `only` holds patterns of
    the names of who may be asked, `day_budget` what this principal may cost in a day, in US dollars.
    `conversation` is the mark of a kept conversation: see docs/ipc-protocol.md. `escalate` is what becomes of
    an answer that a model of this machine doubts: "off", "ask", "auto"; "stronger" doubts beforehand.
    Without `seams` no second answer comes behind one that was begun."""

    model: str
    keep_alive: float | None
    pull: bool
    pull_limit: int
    local_only: bool
    mine: bool
    goal: wire.Goal
    max_cost: float | None
    fallback: bool
    continuation: bool
    task: wire.Task
    principal: str
    conversation: str
    only: list[str]
    day_budget: float | None
    escalate: wire.Escalate
    seams: bool


def chat_request(request_id: int, prompt: Prompt, how: Asking, usual: Usual = NOTHING) -> wire.Chat:
    """The request for `prompt`; what `how` does not say is as `usual`. Raises `AiPalError` where nobody would
    take it, as the supervisor would say."""
    return acceptable(
        wire.Chat(
            request_id,
            _chat_messages(prompt, how),
            _model(how, usual),
            options_of(how),
            usual.deadline if (deadline := how.get("deadline")) is None else deadline,
            how.get("keep_alive"),
            privacy(how.get("local_only", usual.local_only), mine=how.get("mine", usual.mine)),
            how.get("pull", False),
            how.get("pull_limit", 0),
            _goal(how, usual),
            how.get("max_cost"),
            how.get("fallback", True),
            how.get("continuation", False),
            how.get("task", ""),
            usual.keep_alive,
            pip_settings() if how.get("pull") else {},
            principal_of(how),
            conversation_of(how),
            [] if (only := how.get("only")) is None else only,
            how.get("day_budget"),
            "" if (escalate := how.get("escalate")) is None else escalate,
            how.get("seams", True),
        )
    )


def route_request(request_id: int, prompt: Prompt, how: Asking, usual: Usual = NOTHING) -> wire.Route:
    """The request that explains what would become of `prompt`."""
    return acceptable(
        wire.Route(
            request_id,
            _chat_messages(prompt, how),
            _model(how, usual),
            privacy(how.get("local_only", usual.local_only), mine=how.get("mine", usual.mine)),
            _goal(how, usual),
            how.get("max_cost"),
            how.get("fallback", True),
            options_of(how),
            how.get("task", ""),
            "" if (escalate := how.get("escalate")) is None else escalate,
        )
    )


def acceptable(request: R) -> R:
    """The request, if it can be taken. Raises `AiPalError` with what the supervisor would say."""
    why = objection_to_types(request)
    if failure := Failure(Code.BAD_REQUEST, why, SEE) if why else objection(request):
        raise AiPalError(failure)
    return request


def with_system(prompt: Prompt, system: str | None) -> list[Message]:
    """The conversation, the system prompt before it."""
    return [*([Message("system", system)] if system is not None else []), *conversation(prompt)]


def named_model(how: Mapping[str, Any]) -> str:
    """The model that is asked. Raises `AiPalError` (`bad_request`): `openai:` names no model."""
    require("model", reference := how.get("model") or "")
    name = reference.strip()
    provider, colon, model = name.partition(":")
    if colon and not model and "/" not in provider:
        fail(
            Code.BAD_REQUEST,
            f"{name} names no model",
            f"write it behind the colon, {name}MODEL, or name none",
        )
    return reference


def _model(how: Asking, usual: Usual) -> str:
    """The model that is asked: the usual one where none is named, unless that is doubted beforehand."""
    return named_model(how) or ("" if how.get("escalate") == "stronger" else usual.model)


def conversation_of(how: Mapping[str, Any]) -> Any:
    """The mark of the kept conversation."""
    return "" if (mark := how.get("conversation")) is None else mark


def principal_of(how: Mapping[str, Any]) -> Any:
    """For whom is asked."""
    return "" if (principal := how.get("principal")) is None else principal


def _chat_messages(prompt: Prompt, how: Asking) -> list[Message]:
    """The conversation. Raises `TypeError` for keywords that are none."""
    refuse_unknown("chat", how, Asking.__annotations__)
    return with_system(prompt, how.get("system"))


def _goal(how: Asking, usual: Usual) -> wire.Goal:
    return usual.goal if (goal := how.get("goal")) in (None, "") else goal


def privacy(local_only: bool, environ: Mapping[str, str] = os.environ, *, mine: bool = False) -> wire.Privacy:
    """The strictest of what is asked and what the environment says. Raises `AiPalError` (`bad_request`)."""
    require("local_only", local_only)
    require("mine", mine)
    if local_only or _is_set(LOCAL_ONLY, environ):
        return "local"
    return "mine" if mine or _is_set(MINE, environ) else "any"


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    return environ.get(name, "").strip().lower() not in _NO
