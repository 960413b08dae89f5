"""Thoughts told from the answer where llama.cpp cannot see from the template how they are marked. Pure.

Where a template shows the first tag only, or messages of harmony without their channels, all comes as text.
"""

from typing import Any

from ai_pal.protocol.content import PartKind
from workers.engines.channels import Channels
from workers.engines.llamacpp.template import Template
from workers.engines.thought_marks import Marks

Piece = tuple[PartKind, str]


class Thoughts:
    """One answer, which begins within a thought if the prompt has `begun` one, else with one or with none.
    Blanks around the marks belong to neither."""

    def __init__(self, marks: Marks, *, begun: bool = True) -> None:
        self._marks = marks
        self._kind: PartKind = "reasoning"
        self._held = ""
        self._begun = False
        self._opened = begun

    def push(self, text: str) -> list[Piece]:
        """What is certain now that `text` has come."""
        self._held += text
        if not self._opened:
            said = self._held.lstrip()
            if self._marks.open.startswith(said) and said != self._marks.open:
                return []
            self._opened = True
            self._held = said.removeprefix(self._marks.open)
            self._kind = "reasoning" if said.startswith(self._marks.open) else "text"
        if self._kind == "text":
            return self._say(len(self._held))
        before, tag, behind = self._held.partition(self._marks.close)
        if not tag:
            return self._say(len(self._held) - _undecided(self._held, self._marks.close))
        self._held = before.rstrip()
        pieces = self._say(len(self._held))
        self._kind, self._held, self._begun = "text", behind, False
        return pieces + self._say(len(behind))

    def end(self) -> list[Piece]:
        """The rest of a thought that has no end."""
        self._kind = self._kind if self._opened else "text"
        self._held = self._held.rstrip() if self._kind == "reasoning" else self._held
        return self._say(len(self._held))

    def _say(self, count: int) -> list[Piece]:
        said, self._held = self._held[:count], self._held[count:]
        if not self._begun:
            said = said.lstrip()
        self._begun = self._begun or bool(said)
        return [(self._kind, said)] if said else []


class InChannels:
    """One answer in harmony; `begun` as for `Channels`."""

    def __init__(self, *, begun: bool) -> None:
        self._channels = Channels(calls=False, begun=begun)

    def push(self, text: str) -> list[Piece]:
        """As `Thoughts.push`."""
        return self._pieces(self._channels.feed(text))

    def end(self) -> list[Piece]:
        """The rest."""
        return self._pieces(self._channels.finalize()[1])

    def _pieces(self, events: list[dict[str, Any]]) -> list[Piece]:
        told = [event for event in events if event["type"] == "region_chunk"]
        return [("text" if one["field"] == "content" else "reasoning", one["text"]) for one in told]


def thoughts_of(
    template: Template, *, begun: bool, prefilled: bool, apart: bool = False
) -> Thoughts | InChannels | None:
    """What takes an answer apart; None where llama.cpp does it. `begun`: the prompt opens a thought; `apart`:
    it is given as tokens."""
    if not template.untold and not apart:
        return None
    if template.channels:
        return InChannels(begun=prefilled)
    return Thoughts(template.marks, begun=begun) if template.marks and not prefilled else None


def _undecided(text: str, close: str) -> int:
    """Characters at the end that may be blanks before the mark, or its beginning."""
    for length in range(min(len(close) - 1, len(text)), 0, -1):
        if close.startswith(text[-length:]):
            text, tail = text[:-length], length
            break
    else:
        tail = 0
    return tail + len(text) - len(text.rstrip())
