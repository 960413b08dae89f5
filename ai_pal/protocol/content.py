"""What is said in a conversation: messages, the parts that they are made of, and what answers come with."""

from collections.abc import Sequence
from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]

PartKind = Literal["text", "reasoning", "tool_call"]
"""The kinds of parts that an answer is made of while it is generated."""

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why an answer is complete: its model ended it, its limit of tokens was reached, it wants tools to be run,
or its provider withholds the rest."""


class Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of what a message is made of."""


class Text(Part, tag="text", frozen=True):
    """Plain text."""

    text: str


class Image(Part, tag="image", frozen=True):
    """A picture: its bytes in `data`, or in the frame of this number (from 1) behind the request."""

    media_type: str
    data: bytes = b""
    frame: int = 0


class Audio(Part, tag="audio", frozen=True):
    """Sound; `data` and `frame` as in `Image`."""

    media_type: str
    data: bytes = b""
    frame: int = 0


class Document(Part, tag="document", frozen=True):
    """The text of a file, and the name by which people know it."""

    name: str
    text: str

    @property
    def marked(self) -> str:
        """As it is told to a model that knows no documents: with its name, and apart from what is said."""
        name = " ".join(self.name.replace('"', "'").split())
        return f'<document name="{name}">\n{self.text.rstrip()}\n</document>\n\n'


class Reasoning(Part, tag="reasoning", frozen=True):
    """What a model thought before it answered. A provider's `signature` proves to it that nobody has changed
    the text; it is sent back as it came."""

    text: str
    signature: str = ""


class ToolCall(Part, tag="tool_call", frozen=True):
    """A model wants a tool to be run. `arguments` is JSON as the model wrote it: it may be cut off."""

    id: str
    name: str
    arguments: str

    @property
    def given(self) -> str:
        """The arguments, `{}` where there are none: some models write a blank then."""
        return self.arguments.strip() or "{}"


class ToolResult(Part, tag="tool_result", frozen=True):
    """What came of the call with this `id`; with `is_error` it says why nothing did."""

    id: str
    content: str | list[Text | Image]
    is_error: bool = False

    @property
    def text(self) -> str:
        """Its text parts, one after the other."""
        return self.content if isinstance(self.content, str) else _texts(self.content)


AnyPart = Text | Image | Audio | Document | Reasoning | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation. A bare string is a single text."""

    role: Role
    content: str | list[AnyPart]

    @property
    def parts(self) -> Sequence[AnyPart]:
        """The content as parts, whichever way it was written."""
        return [Text(self.content)] if isinstance(self.content, str) else self.content

    @property
    def text(self) -> str:
        """What it says in plain words: its texts and its documents (`marked`), one after the other."""
        return self.content if isinstance(self.content, str) else _texts(self.content)


class Alternative(msgspec.Struct, frozen=True, array_like=True):
    """A token that could have been chosen. `id` is its number in the model's vocabulary, -1 where that is not
    known; `data` are its bytes, which need not be whole UTF-8."""

    data: bytes
    logprob: float
    id: int = -1


class TokenLogprob(msgspec.Struct, frozen=True, array_like=True):
    """One token of the answer, with the natural logarithm of its probability and the most probable
    alternatives to it."""

    data: bytes
    logprob: float
    id: int = -1
    top: list[Alternative] = msgspec.field(default_factory=list)


def _texts(parts: Sequence[Part]) -> str:
    return "".join(
        part.marked if isinstance(part, Document) else part.text
        for part in parts
        if isinstance(part, Text | Document)
    )
