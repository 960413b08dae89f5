"""Claude Code's line for Anthropic's accounts, before its system prompt: another one in each request, so that
nothing behind it would ever be kept, and nothing that a model is told. Programs that translate pass it on in
other protocols. Pure."""

import re
from collections.abc import Iterable

from msgspec.structs import replace

from ai_pal.protocol.content import AnyPart, Message, Text

LINE = re.compile(r"x-anthropic-billing-header:(?:[ \t]*[\w.-]+=[^;\n]*;)*[ \t]*\n?")


def without_line(text: str) -> str:
    """The text without one at its beginning; what follows it stays."""
    return LINE.sub("", text, count=1) if LINE.match(text) else text


def without_lines(messages: Iterable[Message]) -> list[Message]:
    """The conversation with no such line before a system prompt; a prompt that was nothing else is gone, but
    where nothing else is asked."""
    given, found = list(messages), list[Message]()
    for message in given:
        content = _of(message.content) if message.role == "system" else message.content
        if content or not message.content:
            found.append(message if content == message.content else replace(message, content=content))
    return found or given


def _of(content: str | list[AnyPart]) -> str | list[AnyPart]:
    if isinstance(content, str):
        return _left(content)
    kept: list[AnyPart] = []
    for part in content:
        left = replace(part, text=_left(part.text)) if isinstance(part, Text) else part
        if left == part or not isinstance(left, Text) or left.text:
            kept.append(left)
    return kept


def _left(text: str) -> str:
    """What is left of it; "" where that is nothing but blanks."""
    left = without_line(text)
    return left if left == text or left.strip() else ""
