"""Conversations of Anthropic's protocol as ours."""

import pytest

from ai_pal.gateway.anthropic.messages import TextBlock, Turn, conversation
from ai_pal.protocol.content import Message

HEADER = "x-anthropic-billing-header: cc_version=2.1.37.0d9; cc_entrypoint=cli; cch={};"
SAYS = "You are brief."


def system_of(system: str | list[TextBlock]) -> str | None:
    messages, _ = conversation(system, [Turn("user", "hello")])
    first, *_ = messages
    return first.content if first.role == "system" and isinstance(first.content, str) else None


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ([TextBlock(HEADER), TextBlock(SAYS), TextBlock("More.")], f"{SAYS}\n\nMore."),
        ([TextBlock(f"{HEADER}\n{SAYS}")], SAYS),
        (f"{HEADER}{SAYS}", SAYS),
        (f"{HEADER}\n{SAYS}", SAYS),
        ([TextBlock(HEADER)], None),
        ([TextBlock(SAYS), TextBlock(""), TextBlock("x")], f"{SAYS}\n\n\n\nx"),
        (f"It is said: {HEADER}", f"It is said: {HEADER}"),
    ],
    ids=["a block", "begins a block", "begins a text", "a line", "alone", "others stay", "quoted"],
)
def test_what_claude_code_tells_anthropics_accounts_does_not_reach_the_model(
    system: str | list[TextBlock], expected: str | None
) -> None:
    for number in ("fa690", "1c8b4"):
        filled = (
            system.replace("{}", number)
            if isinstance(system, str)
            else [TextBlock(block.text.replace("{}", number)) for block in system]
        )
        found = system_of(filled)
        assert found == (expected and expected.replace("{}", number))


def test_a_date_in_a_system_prompt_is_the_clients_own() -> None:
    text = "Today is 2026-11-29.\n\nYou are brief."
    assert conversation(text, [Turn("user", "hello")])[0][0] == Message("system", text)
