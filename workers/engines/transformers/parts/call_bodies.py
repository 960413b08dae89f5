"""Reads tool calls while they are written: each name as soon as it is known, arguments as they come. Pure."""

import json
import re
from typing import NamedTuple

NAMES, ARGUMENTS = ("name", "tool_name"), ("arguments", "parameters")
BLANKS = " \t\r\n"


class CallPiece(NamedTuple):
    """Something of the call number `call` (from 0): its name when it begins, or more of its arguments."""

    call: int
    name: str
    arguments: str


class ValueEnd:
    """Finds where a JSON value ends that comes in pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._escaped = self._is_scalar = False

    def length(self, text: str) -> int | None:
        """How much of `text` still belongs to the value; None while all of it does."""
        for index, char in enumerate(text):
            if self._is_scalar and char in ",}]" + BLANKS:
                return index
            if self._ends_with(char):
                return index + 1
        return None

    def _ends_with(self, char: str) -> bool:
        """Whether this is the last character of a string, an object or a list that is the value."""
        if self._in_string:
            self._in_string = self._escaped or char != '"'
            self._escaped = char == "\\" and not self._escaped
            return not (self._in_string or self._depth)
        if char == '"':
            self._in_string = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            return self._depth <= 0
        elif not self._depth and char not in BLANKS:
            self._is_scalar = True
        return False


class Objects:
    """Calls as JSON objects with a `name` and `arguments`, one, several or a list of them."""

    def __init__(self) -> None:
        self._rest = ""
        self._call = -1
        self._inside = False
        self._key = ""
        self._name = ""
        self._early = ""
        self._value: ValueEnd | None = None
        self._held = ""

    def feed(self, text: str) -> list[CallPiece]:
        """What has become known with this text."""
        self._rest += text
        pieces: list[CallPiece] = []
        while self._step(pieces):
            pass
        return pieces

    def end(self) -> list[CallPiece]:
        """What is known only when no more comes: nothing."""
        return []

    def _step(self, pieces: list[CallPiece]) -> bool:
        """Whether there may be more to read."""
        if self._value is not None:
            return self._read_value(pieces)
        if not self._inside:
            start = self._rest.find("{")
            if start < 0:
                self._rest = ""
                return False
            self._rest, self._inside = self._rest[start + 1 :], True
            self._call += 1
            self._name = self._early = ""
            return True
        self._rest = self._rest.lstrip(BLANKS + ",")
        if self._rest.startswith("}"):
            self._rest, self._inside = self._rest[1:], False
            return True
        return self._read_key()

    def _read_key(self) -> bool:
        """A key is read whole, with its colon."""
        if not self._rest.startswith('"'):
            self._rest = self._rest[1:]
            return bool(self._rest)
        length = ValueEnd().length(self._rest)
        colon = self._rest.find(":", length) if length is not None else -1
        if length is None or colon < 0:
            return False
        self._key = _string(self._rest[:length])
        self._rest = self._rest[colon + 1 :].lstrip(BLANKS)
        self._value, self._held = ValueEnd(), ""
        return True

    def _read_value(self, pieces: list[CallPiece]) -> bool:
        assert self._value is not None
        if not self._held:
            self._rest = self._rest.lstrip(BLANKS)
        length = self._value.length(self._rest)
        part, self._rest = (self._rest, "") if length is None else (self._rest[:length], self._rest[length:])
        ended = length is not None
        if self._key in NAMES:
            self._held += part
            if ended:
                self._name = _string(self._held)
                pieces.append(CallPiece(self._call, self._name, self._early))
        elif self._key in ARGUMENTS:
            self._arguments(part, ended, pieces)
        else:
            self._held += part or ""
        if ended:
            self._value, self._held = None, ""
        return ended

    def _arguments(self, part: str, ended: bool, pieces: list[CallPiece]) -> None:
        """Passed on as they come; those written as a string, when it is whole."""
        quoted = (self._held or part).startswith('"')
        self._held += part
        if quoted:
            part = _string(self._held) if ended else ""
        if not part:
            return
        if self._name:
            pieces.append(CallPiece(self._call, "", part))
        else:
            self._early += part


class Named:
    """Calls as a name and a JSON object behind it, with or without `[ARGS]` between them; or the name is
    where `pattern` finds it."""

    def __init__(self, pattern: str = "") -> None:
        self._pattern = re.compile(pattern) if pattern else None
        self._rest = ""
        self._call = -1
        self._value: ValueEnd | None = None

    def feed(self, text: str) -> list[CallPiece]:
        """As `Objects.feed`."""
        self._rest += text
        pieces: list[CallPiece] = []
        while self._rest:
            if self._value is None:
                start = self._rest.find("{")
                if start < 0:
                    break
                name = self._name(self._rest[:start])
                self._rest, self._value = self._rest[start:], ValueEnd()
                self._call += 1
                pieces.append(CallPiece(self._call, name, ""))
            length = self._value.length(self._rest)
            pieces.append(CallPiece(self._call, "", self._rest[:length]))
            self._rest = "" if length is None else self._rest[length:]
            if length is not None:
                self._value = None
        return pieces

    def end(self) -> list[CallPiece]:
        """As `Objects.end`."""
        return []

    def _name(self, head: str) -> str:
        if self._pattern is None:
            return head.replace("[TOOL_CALLS]", "").split("[ARGS]")[0].split("[CALL_ID]")[0].strip()
        found = self._pattern.findall(head)
        return str(found[-1]) if found else ""


def _string(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text
