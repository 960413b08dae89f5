"""A call of before whose arguments are blank has none, with every provider."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ai_pal.egress.providers.anthropic import payload as anthropic
from ai_pal.egress.providers.cohere import payload as cohere
from ai_pal.egress.providers.ollama import payload as ollama
from ai_pal.egress.providers.openai import payload as openai
from ai_pal.protocol.content import Message, ToolCall, ToolResult

TURNS: dict[str, Callable[[Sequence[Message]], Any]] = {
    "openai": lambda messages: openai.turns(messages, own=True),
    "cohere": lambda messages: cohere.turns(messages, "command-a"),
    "ollama": ollama.turns,
    "anthropic": anthropic.turns,
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
