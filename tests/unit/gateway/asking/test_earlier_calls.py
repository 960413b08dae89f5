"""Calls of before, as text."""

from ai_pal.gateway.asking.earlier_calls import as_text
from ai_pal.protocol.content import Image, Message, Text, ToolCall, ToolResult

CALL = ToolCall("a", "weather", '{"city":"Riga"}')


def test_calls_and_what_came_of_them_are_said() -> None:
    picture = Image("image/png", b"x")
    said = as_text(
        [
            Message("user", "How is it?"),
            Message("assistant", [Text("I look."), CALL, ToolCall("b", "map", "{}")]),
            Message("tool", [ToolResult("a", "sunny")]),
            Message("tool", [ToolResult("b", [Text("here"), picture])]),
            Message("user", "Thanks."),
        ]
    )
    assert [message.role for message in said] == ["user", "assistant", "user", "user"]
    assert said[1].text == 'I look.\n[weather is called with {"city":"Riga"}]\n[map is called with {}]'
    assert said[2].text == "[weather gave: sunny]\n[map gave:]\nhere"
    assert picture in said[2].parts
    assert (said[0], said[3]) == (Message("user", "How is it?"), Message("user", "Thanks."))


def test_what_has_no_calls_stays_as_it_is() -> None:
    talk = [Message("system", "s"), Message("user", "a"), Message("user", "b")]
    assert as_text(talk) == talk
