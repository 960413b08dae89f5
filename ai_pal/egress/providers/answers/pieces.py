"""What an answer is made of, whoever gives it."""

from typing import Any

import msgspec

from ai_pal.protocol.content import FinishReason, TokenLogprob
from ai_pal.protocol.usage import Usage


class Thought(msgspec.Struct, frozen=True):
    """A piece of what the model thinks before it answers; empty where the provider keeps it to itself. A
    `signature` ends it."""

    text: str = ""
    signature: str = ""


class CallPiece(msgspec.Struct, frozen=True):
    """A piece of a call of a tool, as a server sends it: whatever it does not tell is empty. `place` is the
    number by which it tells the calls of an answer apart; `arguments` are JSON in pieces, or an object."""

    place: int | None = None
    id: str = ""
    name: str = ""
    arguments: Any = None


class Likely(msgspec.Struct, frozen=True):
    """Probabilities of tokens of the text that comes next."""

    tokens: list[TokenLogprob]


class Used(msgspec.Struct, frozen=True):
    """What has been used so far, as the provider tells it. An answer that breaks off is booked with it."""

    usage: Usage


class Finish(msgspec.Struct, frozen=True):
    """The provider said that the answer is complete. A later one with more figures replaces this one."""

    reason: FinishReason
    usage: Usage = Usage()
    model: str = ""


class Notice(msgspec.Struct, frozen=True):
    """Something the user should know about this answer. `kind` is one of docs/ipc-protocol.md's."""

    kind: str
    reason: str


class Waiting(msgspec.Struct, frozen=True):
    """Nothing of the answer has come yet. A provider that `lives` has its time for the first of it anew."""

    lives: bool = True


Content = str | Thought | CallPiece
"""A text is a piece of the answer."""

AnswerEvent = Content | Likely | Waiting | Notice | Used | Finish
