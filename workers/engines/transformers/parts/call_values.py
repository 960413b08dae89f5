"""Reads tool calls that make sense only when they are complete: Python's, JSON with names as keys. Pure."""

import ast
import json
from collections.abc import Callable
from typing import Any

from workers.engines.transformers.parts.call_bodies import CallPiece

CONSTANTS = {"true": True, "false": False, "null": None}
"""Of JSON, which models write in Python too."""
LONGEST = 64 << 10
"""Characters; Python's parser takes what is nested far too deep for nothing less than a crash."""


class AtEnd:
    """Calls that `read` makes of the whole text; it raises `ValueError` for what is none."""

    def __init__(self, read: Callable[[str], list[tuple[str, dict[str, Any]]]]) -> None:
        self._read = read
        self._text = ""

    def feed(self, text: str) -> list[CallPiece]:
        """Nothing yet."""
        self._text += text
        return []

    def end(self) -> list[CallPiece]:
        """The calls; none where it is something else."""
        try:
            found = self._read(self._text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return []
        return [
            CallPiece(number, name, json.dumps(arguments, ensure_ascii=False))
            for number, (name, arguments) in enumerate(found)
        ]


def python(text: str) -> list[tuple[str, dict[str, Any]]]:
    """`[name(argument="value"), ...]`, or one on each line. Nothing of it is run."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    calls: list[tuple[str, dict[str, Any]]] = []
    for statement in ast.parse(text.strip()).body:
        value = statement.value if isinstance(statement, ast.Expr) else None
        for call in value.elts if isinstance(value, ast.List) else [value]:
            if not isinstance(call, ast.Call) or call.args:
                raise ValueError("no call")
            arguments = {one.arg: _value(one.value) for one in call.keywords if one.arg is not None}
            calls.append((ast.unparse(call.func), arguments))
    return calls


def keyed(text: str) -> list[tuple[str, dict[str, Any]]]:
    """`[{"name": {"argument": "value"}}, ...]`."""
    value = json.loads(text)
    calls = [pair for one in value for pair in one.items()] if isinstance(value, list) else []
    if not all(isinstance(arguments, dict) for _, arguments in calls):
        raise ValueError("no call")
    return calls


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(one) for one in elements]
        case ast.Dict(keys=keys, values=values):
            return {str(_value(key)): _value(one) for key, one in zip(keys, values, strict=True) if key}
        case _:
            return ast.literal_eval(node)
