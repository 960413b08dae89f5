"""A call of before whose arguments are blank has none, with every provider."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ai_pal.egress.providers import anthropic_request, cohere_request, ollama_request, openai_request
from ai_pal.protocol.content import Message, ToolCall, ToolResult

TURNS: dict[str, Callable[[Sequence[Message]], Any]] = {
    "openai": lambda messages: openai_request.turns(messages, own=True),
    "cohere": lambda messages: cohere_request.turns(messages, "command-a"),
    "ollama": ollama_request.turns,
    "anthropic": anthropic_request.turns,
}


@pytest.mark.parametrize("provider", TURNS)
@pytest.mark.parametrize("blank", ["", " \n"])
def test_blank_arguments_are_none(provider: str, blank: str) -> None:
    def told(arguments: str) -> Any:
        called = Message("assistant", [ToolCall("a1", "now", arguments)])
        return TURNS[provider](
            [Message("user", "When?"), called, Message("tool", [ToolResult("a1", "Noon.")])]
        )

    assert told(blank) == told("{}")
