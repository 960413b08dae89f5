"""Items of the input as turns of a conversation."""

from typing import Any

from ai_pal.gateway.asking import seals
from ai_pal.gateway.openai.responses.items import conversation, listed
from ai_pal.protocol.content import Message, Reasoning, Text, ToolCall, ToolResult

TURNS: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
     "encrypted_content": "sealed"},
    {"role": "assistant", "content": "I look."},
    {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
    {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{"},
    {"type": "function_call_output", "call_id": "a", "output": "sunny"},
    {"type": "function_call_output", "call_id": "b",
     "output": [{"type": "input_text", "text": "rain"}]},
    {"id": "msg_1"},
]  # fmt: skip


def test_several_items_make_one_turn() -> None:
    kept = {"msg_1": {"id": "msg_1", "type": "message", "role": "assistant", "content": "Sunny."}}
    cut = '{"cut off":"{"}'
    assert conversation(listed(TURNS, kept.get)) == [
        Message("system", [Text("Be brief.")]),
        Message("user", [Text("Weather?")]),
        Message(
            "assistant",
            [Reasoning("hm", "sealed"), Text("I look."), ToolCall("a", "f", "{}"), ToolCall("b", "f", cut)],
        ),
        Message("tool", [ToolResult("a", "sunny"), ToolResult("b", [Text("rain")])]),
        Message("assistant", [Text("Sunny.")]),
    ]


def test_thoughts_that_only_their_maker_can_read_are_left_out() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    assert conversation(listed([sealed, {"role": "user", "content": "x"}], lambda _: None)) == [
        Message("user", [Text("x")])
    ]


def test_of_thoughts_that_were_sealed_here_nothing_else_has_to_come_back() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": seals.sealed("hm", "theirs")}
    assert conversation(listed([sealed, {"role": "user", "content": "x"}], lambda _: None)) == [
        Message("assistant", [Reasoning("hm", "theirs")]),
        Message("user", [Text("x")]),
    ]
