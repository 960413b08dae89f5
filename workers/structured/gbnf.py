"""Where a grammar in llama.cpp's GBNF goes wrong. llama.cpp decides whether one does, and says it only on its
stderr: this reads the grammar as it does, to tell the place. Pure."""

import re
from typing import NoReturn

SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
NAME = re.compile(r"[A-Za-z0-9-]+")
ESCAPE = r'\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[trn\\"\[\]-])'
CHARACTER = re.compile(rf"{ESCAPE}|[^\\]", re.DOTALL)
TOKEN = re.compile(r"!?<(?:\[[0-9]+\]|[^>\[][^>]*)>")
REPEATED = re.compile(r"\{[ \t]*[0-9]+[ \t]*(?:,[ \t]*(?:[0-9]+[ \t]*)?)?\}")
ROOT = "root"


def fault_of(grammar: str) -> str:
    """The first place where it goes wrong, with what is wanted there; "" where nothing is found."""
    reader = _Reader(grammar)
    try:
        reader.read()
    except _WrongError as wrong:
        before = grammar[: wrong.at]
        line, column = before.count("\n") + 1, wrong.at - (before.rfind("\n") + 1) + 1
        return f"line {line}, column {column}: {wrong}"
    except RecursionError:
        return "its groups are nested too deep"
    return ""


class _WrongError(ValueError):
    def __init__(self, at: int, words: str) -> None:
        super().__init__(words)
        self.at = at


class _Reader:
    """`_used` and `_defined` are names of rules with their first places."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._used: dict[str, int] = {}
        self._defined: dict[str, int] = {}
        self._begins: dict[str, set[str]] = {}

    def read(self) -> None:
        """Raises `_WrongError`."""
        self._skip(lines=True)
        while self._at < len(self._text):
            self._rule()
        for name, place in self._used.items():
            if name not in self._defined:
                raise _WrongError(place, f"there is no rule {name}")
        if ROOT not in self._defined:
            raise _WrongError(len(self._text), f"there is no rule {ROOT}, with which an answer begins")
        for name, place in self._defined.items():
            if name in self._reached(name):
                raise _WrongError(place, f"the rule {name} begins with itself")

    def _reached(self, name: str) -> set[str]:
        """The rules with which this one may begin."""
        reached, left = set[str](), [*self._begins[name]]
        while left:
            one = left.pop()
            if one not in reached:
                reached.add(one)
                left += self._begins.get(one, ())
        return reached

    def _rule(self) -> None:
        place = self._at
        name = self._take(NAME, "the name of a rule is expected")
        self._defined.setdefault(name, place)
        self._skip()
        self._expect("::=", "::= is expected behind the name of a rule")
        self._skip(lines=True)
        self._begins[name] = self._choices(nested=False)
        if self._at < len(self._text) and self._text[self._at] not in "\r\n":
            self._wrong("the end of the line is expected")
        self._skip(lines=True)

    def _choices(self, nested: bool) -> set[str]:
        """The rules with which it may begin."""
        begins = self._sequence(nested)
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(lines=True)
            begins |= self._sequence(nested)
        return begins

    def _sequence(self, nested: bool) -> set[str]:
        begins, before = set[str](), False
        fixed = was_fixed = False  # whether something has to come before what follows
        while self._at < len(self._text):
            char, place = self._text[self._at], self._at
            if char in "*+?{":
                if not before:
                    self._wrong(f"there is nothing before {char} that could be repeated")
                fixed = was_fixed if char in "*?" else fixed
                if char == "{":
                    self._take(REPEATED, "a number of repetitions as in {2}, {2,} or {2,5} is expected")
                else:
                    self._at += 1
            elif char in '"[':
                self._characters('"' if char == '"' else "]")
                was_fixed, fixed, before = fixed, True, True
            elif char in "<!":
                self._take(TOKEN, "a token as in <[17]> or <name> is expected")
                was_fixed, fixed, before = fixed, True, True
            elif char == ".":
                self._at += 1
                was_fixed, fixed, before = fixed, True, True
            elif NAME.match(self._text, self._at):
                name = self._take(NAME, "")
                self._used.setdefault(name, place)
                begins |= set() if fixed else {name}
                was_fixed, fixed, before = fixed, True, True
            elif char == "(":
                self._at += 1
                self._skip(lines=True)
                first = self._choices(nested=True)
                begins |= set() if fixed else first
                was_fixed, fixed, before = fixed, True, True
                self._expect(")", ") is expected")
            else:
                break
            self._skip(lines=nested)
        return begins

    def _characters(self, end: str) -> None:
        """A text in quotes, or a set of characters in brackets."""
        opened = self._at
        self._at += 1
        while not self._text.startswith(end, self._at):
            if self._at >= len(self._text):
                raise _WrongError(opened, f"this has no {end} at its end")
            self._take(CHARACTER, "this escape is not known")
        self._at += 1

    def _skip(self, *, lines: bool = False) -> None:
        found = (SPACE_AND_LINES if lines else SPACE).match(self._text, self._at)
        self._at = found.end() if found is not None else self._at

    def _take(self, shape: re.Pattern[str], words: str) -> str:
        found = shape.match(self._text, self._at)
        if found is None:
            self._wrong(words)
        self._at = found.end()
        return found.group()

    def _expect(self, text: str, words: str) -> None:
        if not self._text.startswith(text, self._at):
            self._wrong(words)
        self._at += len(text)

    def _wrong(self, words: str) -> NoReturn:
        raise _WrongError(self._at, words)
