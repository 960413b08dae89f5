"""An answer in OpenAI's harmony, cut into the messages of its channels while it is written. Pure.

Each is `<|start|>assistant<|channel|>NAME<|message|>TEXT<|end|>`, and the prompt has written the beginning of
the first. `to=functions.NAME` in front of the text makes it a call. Tells the events of a `ResponseParser`.
"""

import re
from typing import Any

from workers.engines.regions import overlap

START, CHANNEL, MESSAGE, CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
MARKS = (START, CHANNEL, MESSAGE, CONSTRAIN, END, CALL, RETURN)
ANALYSIS, FINAL = f"{CHANNEL}analysis{MESSAGE}", f"{CHANNEL}final{MESSAGE}"
OPENINGS = (CHANNEL, MESSAGE, CONSTRAIN, " to=")
"""What can follow the role."""
ENDINGS = (END, CALL, RETURN, START, CHANNEL)
LONGEST_HEAD = 256
"""Characters; what is longer is text."""
OF_TOOLS = "functions."
_ROLE = re.compile(r"<\|start\|>\w*")
_MARKS = re.compile("|".join(map(re.escape, MARKS)))
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT = re.compile(r"\sto=([^\s<]+)")


def writes_channels(template: str) -> bool:
    """Whether answers to prompts of this template come in channels."""
    return START in template and MESSAGE in template


class Channels:
    """One answer. `calls`: tools may be called; what is said to others is left out. `begun`: the prompt ends
    within the answer itself."""

    def __init__(self, *, calls: bool, begun: bool = False) -> None:
        self.initial_events: list[dict[str, Any]] = []
        self._calls = calls
        self._held = ""
        self._in_head = not begun
        self._field = "content"
        """Of the message that is read; "" for one that nobody wants."""
        self._open = ""
        """The field that was told last and has not ended."""

    def feed(self, text: str) -> list[dict[str, Any]]:
        """What has become certain with this text."""
        self._held += text
        events: list[dict[str, Any]] = []
        while self._read_head(events) if self._in_head else self._read_message(events):
            pass
        return events

    def finalize(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The rest, when no more comes. The first part is nothing: who wants a message has kept it."""
        events: list[dict[str, Any]] = []
        if not self._in_head:
            self._tell(events, self._held)
        elif not self._held.startswith("<|"):
            self._begin("content")
            self._tell(events, _MARKS.sub("", self._held))
        self._close(events)
        return {}, events

    def _read_head(self, events: list[dict[str, Any]]) -> bool:
        """Whether there may be more to read behind it."""
        head, found, rest = self._held.partition(MESSAGE)
        is_long = len(head) > LONGEST_HEAD
        if is_long or not _may_be_head(head + found):
            begun = _ROLE.match(self._held) or (_MARKS.match(self._held) if is_long else None)
            self._held = self._held[begun.end() :] if begun else self._held
            self._begin("content")
            return True
        if not found:
            return False
        self._held = rest
        channel, recipient = _CHANNEL.findall(head), _RECIPIENT.findall(head)
        to = recipient[-1] if recipient else "assistant"
        if to.startswith(OF_TOOLS) and self._calls:
            self._close(events)
            self._begin("tool_calls")
            self._tell(events, to.removeprefix(OF_TOOLS) + "[ARGS]")
        elif to != "assistant":
            self._begin("")
        else:
            self._begin("reasoning_content" if channel and channel[-1] == "analysis" else "content")
        return True

    def _read_message(self, events: list[dict[str, Any]]) -> bool:
        """The same for what stands in it."""
        places = [place for mark in ENDINGS if (place := self._held.find(mark)) >= 0]
        if not places:
            kept = max(overlap(self._held, mark) for mark in ENDINGS)
            certain = len(self._held) - kept
            self._tell(events, self._held[:certain])
            self._held = self._held[certain:]
            return False
        text, self._held = self._held[: min(places)], self._held[min(places) :]
        self._tell(events, text)
        for mark in (END, CALL, RETURN):
            self._held = self._held.removeprefix(mark)
        if self._field == "tool_calls":
            self._close(events)
        self._in_head = True
        return True

    def _begin(self, field: str) -> None:
        self._field, self._in_head = field, False

    def _tell(self, events: list[dict[str, Any]], text: str) -> None:
        """Messages of one channel that follow each other are one text."""
        if not self._field or not text:
            return
        if self._open != self._field:
            self._close(events)
            self._open = self._field
            events.append({"type": "region_open", "field": self._field})
        events.append({"type": "region_chunk", "field": self._field, "text": text})

    def _close(self, events: list[dict[str, Any]]) -> None:
        if self._open:
            events.append({"type": "region_close", "field": self._open, "value": ""})
        self._open = ""


def _may_be_head(text: str) -> bool:
    """Whether a message can begin so."""
    if START.startswith(text):
        return True
    role = _ROLE.match(text)
    rest = text[role.end() :] if role else text
    return not rest or any(rest.startswith(one) or one.startswith(rest) for one in OPENINGS)
