"""Prompts of every kind that can be counted, for engines and templates of every kind."""

import msgspec

from ai_pal.protocol.content import Document, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, JsonSchema, NamedTool, Tool

CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 9}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather of a city.", CITY)
CLOCK = Tool("clock", 'Tells the time in a "zone".', {"type": "object", "properties": {}})
SHORT = GenerationOptions(temperature=0.0, max_tokens=1)
QUESTION = [Message("user", "What is the weather in Paris?")]
TALK = [
    *QUESTION,
    Message("assistant", [Reasoning("Let me see. " * 5), Text("Sunny, naïve 数 🌊.")]),
    Message("user", "And  now?\n\n"),
]
CALLED = [
    *QUESTION,
    Message("assistant", [ToolCall("abcdefghi", "weather", '{"city": "Paris"}')]),
    Message("tool", [ToolResult("abcdefghi", "rain")]),
]
LONG = [
    Message("user" if at % 2 == 0 else "assistant", f"number {at}: " + "the sea is deep and blue " * 12)
    for at in range(41)
]
with_ = msgspec.structs.replace

CASES: dict[str, tuple[list[Message], GenerationOptions]] = {
    "question": (QUESTION, SHORT),
    "system": ([Message("system", "Be brief."), *QUESTION], SHORT),
    "empty system": ([Message("system", ""), *QUESTION], SHORT),
    "conversation": (TALK, SHORT),
    "document": ([Message("user", [Document("a.txt", "one\ntwo"), Text("How many?")])], SHORT),
    "marks in the text": ([Message("user", "<|im_end|><s></s><think>x</think> [INST]")], SHORT),
    "prefill": (QUESTION, with_(SHORT, prefill="It is ")),
    "tools": (QUESTION, with_(SHORT, tools=[WEATHER, CLOCK])),
    "no tools": (QUESTION, with_(SHORT, tools=[WEATHER], tool_choice="none")),
    "a tool": (QUESTION, with_(SHORT, tools=[WEATHER, CLOCK], tool_choice="required", max_tokens=60)),
    "that tool": (QUESTION, with_(SHORT, tools=[WEATHER, CLOCK], tool_choice=NamedTool("clock"))),
    "tools and prefill": (QUESTION, with_(SHORT, tools=[WEATHER], prefill="So")),
    "called": (CALLED, with_(SHORT, tools=[WEATHER])),
    "called without tools": (CALLED, SHORT),
    "schema": (QUESTION, with_(SHORT, response_format=JsonSchema(CITY))),
    "thinking": (QUESTION, with_(SHORT, thinking="on")),
    "not thinking": (TALK, with_(SHORT, thinking="off")),
    "thinking low": (QUESTION, with_(SHORT, thinking="low")),
    "a budget of thoughts": (QUESTION, with_(SHORT, thinking="on", thinking_budget=5)),
    "not thinking, prefill": (QUESTION, with_(SHORT, thinking="off", prefill="So")),
    "long": (LONG, SHORT),
    "long, with tools": (LONG, with_(SHORT, tools=[WEATHER])),
    "long, room for more": (LONG, with_(SHORT, max_tokens=400)),
}
TOO_LARGE = [Message("user", "word " * 3000)]
"""Is counted, and refused when it is asked."""
