"""Conversations of every shape that a template may meet, with the options of their requests."""

from msgspec.structs import replace

from ai_pal.protocol.content import Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, Tool
from tests.pictures import png

CITY = {"properties": {"city": {"type": "string"}}, "required": ["city"], "type": "object"}
WEATHER = Tool("weather", "Tells the weather of a city.", CITY)
CLOCK = Tool("clock", "", {})
SHORT = GenerationOptions(temperature=0.0, max_tokens=1)


def user(text: str = "How is it in Rome?") -> Message:
    return Message("user", text)


def seeing(*parts: Text | Image) -> Message:
    return Message("user", list(parts))


def assistant(*parts: Text | Reasoning | ToolCall) -> Message:
    return Message("assistant", list(parts))


def result(call: str = "abcdefgh1", text: str = "sunny", *, is_error: bool = False) -> Message:
    return Message("tool", [ToolResult(call, text, is_error)])


def options(**more: object) -> GenerationOptions:
    return GenerationOptions(temperature=0.0, max_tokens=1, **more)  # type: ignore[arg-type] # any of them


BE_BRIEF = Message("system", "Be brief.")
SAID = Message("assistant", "Sunny.")
ROME = ToolCall("abcdefgh1", "weather", '{"city": "Rome"}')
OSLO = ToolCall("abcdefgh2", "weather", '{"city": "Oslo"}')
THOUGHT = Reasoning("Let me see.")
WITH_TOOLS = options(tools=[WEATHER, CLOCK])
PICTURE = Image("image/png", data=png(16, 16))

SHAPES: dict[str, tuple[list[Message], GenerationOptions]] = {
    "system missing": ([user()], SHORT),
    "system": ([BE_BRIEF, user()], SHORT),
    "system empty": ([Message("system", ""), user()], SHORT),
    "two systems": ([BE_BRIEF, Message("system", "Be kind."), user()], SHORT),
    "system last": ([user(), SAID, BE_BRIEF], SHORT),
    "system later": ([user(), SAID, BE_BRIEF, user("And Oslo?")], SHORT),
    "second question": ([user(), SAID, user("And Oslo?")], SHORT),
    "two questions": ([user(), user("And Oslo?")], SHORT),
    "two answers": ([user(), SAID, Message("assistant", "Warm."), user("And Oslo?")], SHORT),
    "an answer first": ([Message("assistant", "Hello."), user()], SHORT),
    "an answer last": ([user(), Message("assistant", "It is")], SHORT),
    "prefill": ([user()], options(prefill="It is")),
    "blanks": ([user("  How is it? \n"), Message("assistant", " Sunny.\n"), user("And\n\nOslo?  ")], SHORT),
    "blank turns": ([user(" "), Message("assistant", ""), user("")], SHORT),
    "tools": ([user()], WITH_TOOLS),
    "system and tools": ([BE_BRIEF, user()], WITH_TOOLS),
    "called": ([user(), assistant(ROME), result()], WITH_TOOLS),
    "called beside text": ([user(), assistant(Text("I look."), ROME), result()], WITH_TOOLS),
    "called twice": (
        [BE_BRIEF, user(), assistant(ROME, OSLO), result(), result("abcdefgh2", "rain")],
        WITH_TOOLS,
    ),
    "called again": (
        [user(), assistant(ROME), result(), assistant(THOUGHT, OSLO), result("abcdefgh2", "rain")],
        WITH_TOOLS,
    ),
    "called, failed": ([user(), assistant(ROME), result(text="no net", is_error=True)], WITH_TOOLS),
    "called, told, asked again": (
        [user(), assistant(ROME), result(), SAID, user("And Oslo?")],
        WITH_TOOLS,
    ),
    "called by a long id": (
        [user(), assistant(replace(ROME, id="call_0123456789")), result("call_0123456789")],
        WITH_TOOLS,
    ),
    "called, cut off": ([user(), assistant(replace(ROME, arguments='{"city": ')), result()], WITH_TOOLS),
    "called without tools": ([user(), assistant(ROME), result(), SAID, user("And Oslo?")], SHORT),
    "thought before": ([user(), assistant(THOUGHT, Text("Sunny.")), user("And Oslo?")], SHORT),
    "thought and called": ([user(), assistant(THOUGHT, ROME), result()], WITH_TOOLS),
    "thinking on": ([user()], options(thinking="on")),
    "thinking off": ([user()], options(thinking="off")),
    "thinking low": ([user()], options(thinking="low")),
    "prefill, thinking off": ([user()], options(prefill="It is", thinking="off")),
    "prefill and tools": ([user()], options(prefill="It is", tools=[WEATHER, CLOCK])),
    "prefill, called": (
        [BE_BRIEF, user(), assistant(ROME), result()],
        options(prefill="It is", tools=[WEATHER, CLOCK]),
    ),
    "prefill, no tool may be called": (
        [user()],
        options(prefill="It is", tools=[WEATHER, CLOCK], tool_choice="none"),
    ),
}
SEEING: dict[str, tuple[list[Message], GenerationOptions]] = {
    "picture": ([seeing(PICTURE, Text("What is it?"))], SHORT),
    "picture alone": ([seeing(PICTURE)], SHORT),
    "picture behind text": ([seeing(Text("What is it?"), PICTURE)], SHORT),
    "pictures between texts": (
        [seeing(Text("One:"), PICTURE, Text("another:"), PICTURE, Text("Which"), Text(" is it?"))],
        SHORT,
    ),
    "system and picture": ([BE_BRIEF, seeing(PICTURE, Text("What is it?"))], SHORT),
    "system later and picture": ([user(), SAID, BE_BRIEF, seeing(Text("What is it?"), PICTURE)], SHORT),
    "picture in a second question": ([user(), SAID, seeing(Text("And here?"), PICTURE)], SHORT),
    "picture before": ([seeing(PICTURE, Text("What is it?")), SAID, user("And Oslo?")], SHORT),
    "picture, prefill": ([seeing(PICTURE, Text("What is it?"))], options(prefill="It is")),
    "picture and tools": ([BE_BRIEF, seeing(PICTURE, Text("What is it?"))], WITH_TOOLS),
    "picture, called": ([seeing(PICTURE, Text("Where is it?")), assistant(ROME), result()], WITH_TOOLS),
}
"""The same with pictures, for kinds that see. Blanks beside a picture are nobody's: Gemma's template trims
each text, but llama.cpp gives it one text with the places of pictures in it."""
