"""Items of an answer while they grow, and the events that tell of it: name and fields of each. Pure."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ai_pal.gateway.asking import seals
from ai_pal.gateway.openai.chat_answer import logprob
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob

Event = tuple[str, dict[str, Any]]


class Item(Protocol):
    """One item; its id and its place in the output are added to what it tells."""

    id: str

    @property
    def waits(self) -> bool:
        """Whether some of it has come and is not told."""

    def opening(self) -> list[Event]:
        """What follows its `added`."""

    def grow(self, delta: wire.Delta) -> list[Event]:
        """Take a piece."""

    def nothing(self) -> Event:
        """A piece that is empty."""

    def settle(self) -> list[Event]:
        """What has come and is not told."""

    def closing(self) -> list[Event]:
        """What goes before its `done`."""

    def told(self, status: str) -> dict[str, Any]:
        """As it stands in the output."""


class Message:
    """What is said. While it `holds` text back, that waits for its probabilities."""

    def __init__(self, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self.id = _new("msg")
        self._pieces: list[str] = []
        self._tokens: list[TokenLogprob] = []
        self._held = ""

    @property
    def waits(self) -> bool:
        return bool(self._held)

    def opening(self) -> list[Event]:
        return [("content_part.added", {"content_index": 0, "part": self._part()})]

    def grow(self, delta: wire.Delta) -> list[Event]:
        self._pieces.append(delta.text)
        self._held += delta.text
        return [] if self._holds() else self.settle()

    def nothing(self) -> Event:
        return _text("")

    def probable(self, tokens: Sequence[TokenLogprob]) -> list[Event]:
        """Take the probabilities of its tokens, which come behind its text and are told with it."""
        self._tokens += tokens
        return self._grown([logprob(token) for token in tokens])

    def settle(self) -> list[Event]:
        return self._grown([]) if self._held else []

    def _grown(self, logprobs: list[dict[str, Any]]) -> list[Event]:
        text, self._held = self._held, ""
        return [_text(text, logprobs)]

    def closing(self) -> list[Event]:
        part = self._part()
        said = {"text": part["text"], "logprobs": part["logprobs"]}
        return [
            *self.settle(),
            ("output_text.done", {"content_index": 0, **said}),
            ("content_part.done", {"content_index": 0, "part": part}),
        ]

    def told(self, status: str) -> dict[str, Any]:
        content = [] if status == "in_progress" else [self._part()]
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}

    def _part(self) -> dict[str, Any]:
        said = [logprob(token) for token in self._tokens]
        return {"type": "output_text", "text": "".join(self._pieces), "annotations": [], "logprobs": said}


class Thoughts:
    """What is thought; told as a `summary` where one was asked for. For who wants `encrypted_content`
    (`sealed`) that is all of it, and what a provider signed."""

    waits = False

    def __init__(self, *, summary: bool, sealed: bool) -> None:
        self.id = _new("rs")
        self._sealed = sealed
        self._pieces: list[str] = []
        self._signature = ""
        self._place = "summary" if summary else "content"
        self._type = "summary_text" if summary else "reasoning_text"
        self._text = "reasoning_summary_text" if summary else "reasoning_text"
        self._around = "reasoning_summary_part" if summary else "content_part"

    def opening(self) -> list[Event]:
        return [(f"{self._around}.added", {f"{self._place}_index": 0, "part": self._part()})]

    def grow(self, delta: wire.Delta) -> list[Event]:
        self._signature = delta.signature or self._signature
        self._pieces.append(delta.text)
        return [self._more(delta.text)] if delta.text else []

    def nothing(self) -> Event:
        return self._more("")

    def settle(self) -> list[Event]:
        return []

    def closing(self) -> list[Event]:
        part = self._part()
        return [
            (f"{self._text}.done", {f"{self._place}_index": 0, "text": part["text"]}),
            (f"{self._around}.done", {f"{self._place}_index": 0, "part": part}),
        ]

    def told(self, status: str) -> dict[str, Any]:
        begins = status == "in_progress"
        parts = [] if begins else [self._part()]
        seal = seals.sealed("".join(self._pieces), self._signature) if self._sealed and not begins else None
        return {
            "id": self.id,
            "type": "reasoning",
            "status": status,
            "summary": [],
            "content": [],
            # Open Responses has no null here.
            **({} if seal is None else {"encrypted_content": seal}),
            self._place: parts,
        }

    def _more(self, text: str) -> Event:
        return f"{self._text}.delta", {f"{self._place}_index": 0, "delta": text}

    def _part(self) -> dict[str, Any]:
        return {"type": self._type, "text": "".join(self._pieces)}


class Call:
    """A function that is to be called."""

    waits = False

    def __init__(self, call: str, name: str) -> None:
        self.id = _new("fc")
        self._call, self._name = call, name
        self._pieces: list[str] = []

    def opening(self) -> list[Event]:
        return []

    def grow(self, delta: wire.Delta) -> list[Event]:
        self._pieces.append(delta.text)
        return [("function_call_arguments.delta", {"delta": delta.text})] if delta.text else []

    def nothing(self) -> Event:
        return "function_call_arguments.delta", {"delta": ""}

    def settle(self) -> list[Event]:
        return []

    def closing(self) -> list[Event]:
        said = {"name": self._name, "arguments": "".join(self._pieces)}
        return [("function_call_arguments.done", said)]

    def told(self, status: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self._call,
            "name": self._name,
            "arguments": "".join(self._pieces),
        }


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"


def _text(text: str, logprobs: Sequence[dict[str, Any]] = ()) -> Event:
    """A piece of what is said."""
    return "output_text.delta", {"content_index": 0, "delta": text, "logprobs": logprobs}
