"""Hints within a conversation name its own commands."""

import pytest

from ai_pal.cli.prompts.chat.hints import in_conversation
from ai_pal.errors import Code, Failure


@pytest.mark.parametrize(
    ("hint", "there"),
    [
        ("allow more: `max_cost`", "allow more: /set max_cost"),
        ("allow a longer answer: `max_tokens`", "allow a longer answer: /set max_tokens"),
        ("let it be longer: --max-tokens", "let it be longer: /set max_tokens"),
        ("allow more time: `deadline`", "allow more time: /set deadline"),
        ("llava can: `model`=llava", "llava can: /model llava"),
        ("allow it: leave out `local_only`", "allow it: /local off"),
        ("or allow others: leave out `mine`", "or allow others: /mine off"),
        ("ask it: ai-pal chat --model openai:gpt-4.1", "ask it: /model openai:gpt-4.1"),
        ("let others be asked too: `fallback`", "let others be asked too: leave out --no-fallback"),
        ("run: ai-pal pull phi-2", "run: ai-pal pull phi-2"),
        ("", ""),
    ],
)
def test_an_option_of_chat_is_a_command_here(hint: str, there: str) -> None:
    failure = Failure(Code.BAD_REQUEST, "it is so", hint, retryable=True)
    assert in_conversation(failure) == Failure(Code.BAD_REQUEST, "it is so", there, retryable=True)
