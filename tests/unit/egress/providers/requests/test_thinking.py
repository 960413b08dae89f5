"""Thinking in the words of each provider."""

from typing import Any, get_args

import pytest

from ai_pal.egress.providers.requests.thinking import LEAST, of_anthropic, of_cohere, of_ollama, of_openai
from ai_pal.protocol.options import GenerationOptions, Thinking


def options(level: Any = None, budget: int | None = None, limit: int | None = None) -> GenerationOptions:
    return GenerationOptions(thinking=level, thinking_budget=budget, max_tokens=limit)


@pytest.mark.parametrize(
    ("model", "level", "effort"),
    [
        ("gpt-5.1", "off", "none"),
        ("gpt-5.1", "on", "medium"),
        ("gpt-5-mini", "off", "minimal"),
        ("gpt-5-mini", "high", "high"),
        ("o3", "off", "low"),
        ("o3", "low", "low"),
        ("gpt-4o", "off", None),
        ("gpt-4o", "high", None),
        ("gpt-5.1", None, None),
    ],
)
def test_openais_levels(model: str, level: Any, effort: str | None) -> None:
    found = of_openai(options(level), model, own=True)
    assert found.given.get("reasoning_effort") == effort
    exact = level is None or effort in (level, "none") or (level, effort) == ("on", "medium")
    assert bool(found.told) == (not exact and not (model == "gpt-4o" and level == "off"))


def test_templates_of_other_servers_have_a_switch() -> None:
    assert of_openai(options("off"), "qwen3", own=False).given == {
        "chat_template_kwargs": {"enable_thinking": False},
        "reasoning_effort": "none",
    }
    assert of_openai(options("on"), "qwen3", own=False).given == {
        "chat_template_kwargs": {"enable_thinking": True}
    }


def claude(model: str, given: GenerationOptions, *, forced: bool = False, unsigned: bool = False) -> Any:
    return of_anthropic(given, model, forced=forced, unsigned=unsigned)


@pytest.mark.parametrize(
    ("model", "level", "kind", "effort"),
    [
        ("claude-3-5-haiku-20241022", "high", None, None),
        ("claude-3-7-sonnet-20250219", "high", "enabled", None),
        ("claude-haiku-4-5", "on", "enabled", None),
        ("claude-opus-4-6", "on", "adaptive", None),
        ("claude-opus-4-6", "low", "adaptive", "low"),
        ("claude-opus-5", "high", "adaptive", "high"),
        ("my-deployment", "high", "adaptive", "high"),
        ("claude-haiku-4-5", "off", None, None),
        ("claude-opus-5", "off", "disabled", None),
        ("claude-sonnet-5-5", "off", "between_tools", None),
        ("claude-opus-5-5", "off", None, "low"),
        ("claude-fable-5-1", "off", None, "low"),
    ],
)
def test_generations_of_claude(model: str, level: Any, kind: str | None, effort: str | None) -> None:
    given = claude(model, options(level)).given
    assert given.get("thinking", {}).get("type") == kind
    assert given.get("output_config", {}).get("effort") == effort


def test_a_budget_is_counted_in_the_limit_and_below_it() -> None:
    for limit in (None, 1025, 2000, 100_000):
        for budget in (None, 1, 5000, 90_000):
            given = claude("claude-haiku-4-5", options("on", budget, limit)).given
            assert LEAST <= given["thinking"]["budget_tokens"] < given["max_tokens"]
            assert limit in (None, given["max_tokens"])
    found = claude("claude-haiku-4-5", options("on", None, 1024))
    assert (found.given, len(found.told)) == ({}, 1)


def test_thoughts_without_a_budget_leave_room_for_the_answer() -> None:
    assert claude("claude-opus-5", options("high")).given["max_tokens"] > 16_384
    assert "max_tokens" not in claude("claude-opus-5", options("high", None, 500)).given


def test_a_call_that_is_forced_is_not_thought_about() -> None:
    assert claude("claude-haiku-4-5", options("on"), forced=True).told
    assert claude("claude-opus-5", options(), forced=True).given == {"thinking": {"type": "disabled"}}
    assert claude("claude-haiku-4-5", options(), forced=True).given == {}


def test_levels_of_cohere_are_budgets() -> None:
    assert of_cohere(options("low"), "command-a-reasoning-08-2025").given == {
        "thinking": {"type": "enabled", "token_budget": 1024}
    }
    assert of_cohere(options("on"), "command-a-plus-05-2026").given == {"thinking": {"type": "enabled"}}
    assert of_cohere(options(None, 77), "command-a-plus-05-2026").given == {
        "thinking": {"type": "enabled", "token_budget": 77}
    }
    assert of_cohere(options("off"), "command-r-08-2024").told == ()
    assert of_cohere(options("on"), "command-r-08-2024").told


def test_ollama_has_a_switch_and_one_family_has_levels() -> None:
    assert of_ollama(options("high"), "qwen3", able=True).given == {"think": True}
    assert of_ollama(options("high"), "qwen3", able=True).told
    assert of_ollama(options("high"), "gpt-oss:20b", able=True).given == {"think": "high"}
    assert of_ollama(options("off"), "qwen3", able=True).given == {"think": False}
    assert of_ollama(options("off"), "smollm2", able=False).given == {}


@pytest.mark.parametrize("level", get_args(Thinking))
def test_what_is_wished_is_asked_for_or_told(level: Any) -> None:
    """Each level changes the request, says so, or is what the model does anyway."""
    for model in ("gpt-4o", "gpt-5.1", "o3"):
        found = of_openai(options(level), model, own=True)
        assert found.given or found.told or level == "off"
    for model in ("claude-3-haiku-20240307", "claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5-5"):
        found = claude(model, options(level))
        assert found.given or found.told or level == "off"
