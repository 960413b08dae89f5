"""Claude Code's line for Anthropic's accounts, as programs that translate pass it on."""

import pytest

from ai_pal.gateway.asking.account_lines import without_lines
from ai_pal.gateway.ollama import messages as ollama
from ai_pal.gateway.openai import messages as openai
from ai_pal.protocol.content import Message, Text

LINE = "x-anthropic-billing-header: cc_version=2.1.37.0d9; cc_entrypoint=cli; cch=fa690;"
SAYS = "You are brief."
HELLO = Message("user", "hello")


@pytest.mark.parametrize(
    ("system", "left"),
    [
        (f"{LINE}\n{SAYS}", SAYS),
        ([Text(LINE), Text(SAYS)], [Text(SAYS)]),
        ([Text(f"{LINE}\n{SAYS}"), Text("")], [Text(SAYS), Text("")]),
        (f"It is said: {LINE}", f"It is said: {LINE}"),
        ("", ""),
    ],
    ids=["a line", "a part", "begins a part", "quoted", "nothing"],
)
def test_it_does_not_reach_the_model(system: str | list[Text], left: str | list[Text]) -> None:
    given = [Message("system", system), HELLO]  # type: ignore[arg-type] # texts are parts
    assert without_lines(given) == [Message("system", left), HELLO]  # type: ignore[arg-type] # the same


def test_a_prompt_that_is_nothing_else_is_gone() -> None:
    given = [Message("system", f"{LINE}\n"), Message("system", [Text(LINE)]), HELLO]
    assert without_lines(given) == [HELLO]
    assert without_lines(given[:1]) == given[:1], "then there would be nothing to answer"


def test_what_others_say_is_theirs() -> None:
    assert without_lines([Message("user", LINE)]) == [Message("user", LINE)]


def test_other_doors_drop_it_too() -> None:
    chat: list[openai.AnyMessage] = [openai.Developer(f"{LINE}\n{SAYS}"), openai.User("hello")]
    old = [ollama.Message("system", f"{LINE}\n{SAYS}"), ollama.Message("user", "hello")]
    assert openai.conversation(chat) == ollama.conversation(old) == [Message("system", SAYS), HELLO]
