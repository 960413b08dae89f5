"""How a conversation is begun to be answered."""

import pytest

from ai_pal.gateway.answering.going_on import begun
from ai_pal.protocol.content import Image, Message, Text

SYSTEM, BLANK = Message("system", "s"), Message("user", " ")
PICTURE = Message("user", [Image("image/png", b"x")])


@pytest.mark.parametrize(
    ("messages", "asked", "given"),
    [
        ([SYSTEM], [Message("user", "s")], ""),
        ([SYSTEM, SYSTEM], [SYSTEM, Message("user", "s")], ""),
        ([SYSTEM, BLANK], [Message("user", "s")], ""),
        ([SYSTEM, Message("assistant", ""), BLANK], [Message("user", "s")], ""),
        ([SYSTEM, PICTURE], [SYSTEM, PICTURE], ""),
        ([BLANK], [BLANK], ""),
        ([BLANK, Message("user", "a")], [BLANK, Message("user", "a")], ""),
        ([Message("user", "a"), Message("assistant", [Text("b"), Text("c")])], [Message("user", "a")], "bc"),
    ],
)
def test_what_only_the_system_says_is_asked(
    messages: list[Message], asked: list[Message], given: str
) -> None:
    assert begun(messages) == (asked, given)
