"""Where each key stands in a TOML text; tomllib does not tell."""

import re
from typing import Any

KeyPath = tuple[str, ...]

_HEADER = re.compile(r"^\s*\[(?!\[)([^\n]*?)\]\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[^=#"'\[\]])+?)\s*=""")


class KeyLines:
    """Line numbers (from 1) of the keys of a TOML text.

    Good for messages, not a parser: keys inside inline tables get the line of their table.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        table: KeyPath = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = _path(f"[{header[1]}]")
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                self._lines.setdefault(table + _path(f"{key[1]} = 0"), number)

    def of(self, path: KeyPath) -> int:
        """The line of `path`, else of the nearest table around it, else 1."""
        for length in range(len(path), 0, -1):
            if found := self._lines.get(path[:length]):
                return found
        return 1


def _path(snippet: str) -> KeyPath:
    import tomllib

    try:
        value: Any = tomllib.loads(snippet)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path)
