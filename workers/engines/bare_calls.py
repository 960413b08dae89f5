"""Calls of tools that a model writes in JSON as its whole answer, though its template has another form.

Qwen2.5-Coder does that: the JSON alone, in a fence, or between <tools> tags. Text that merely shows such JSON
is text: nothing else may stand beside it, each object has a name and arguments and nothing more, the name is
that of a given tool, and the arguments are those that it has. Pure, for every engine.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ai_pal.protocol.options import GenerationOptions, Tool

ARGUMENTS = ("arguments", "parameters")
_FRAME = re.compile(r"\s*(?:```(?:json|tool_call)?[ \t]*\n|```|</?(?:tools|tool_call)>)?\s*")
"""What may stand before, between and behind the objects."""
_OPENINGS = ("```json", "```tool_call", "```", "<tools>", "<tool_call>")
_KEYS = ('"name"', '"arguments"', '"parameters"')
_ARGUMENTS_FIRST = _KEYS[1:]
_OPEN = {"additionalProperties", "patternProperties"}
_NAMED = re.compile(r'"name"\s*:\s*"([^"\\]*)"')


class BareCall(NamedTuple):
    """One call; `arguments` is JSON."""

    name: str
    arguments: str


class BareCalls:
    """One answer to a request with tools. Text is held back while all of it may be calls."""

    def __init__(self, tools: Sequence[Tool], *, several: bool) -> None:
        self._tools = {tool.name: tool.parameters for tool in tools}
        self._several = several
        self._held = ""
        self._may_be: bool | None = None
        """None while even its beginning has not come."""

    def push(self, text: str) -> str:
        """What is certain to be text."""
        self._held += text
        if self._may_be is None:
            self._may_be = self._looks_so(self._held)
        return self.rest() if self._may_be is False else ""

    def calls(self) -> list[BareCall]:
        """The calls that a whole answer is made of; none where it is text."""
        try:
            found = [self._call(value) for value in _values(self._held)]
        except (ValueError, RecursionError):
            return []
        if not found or not all(found) or (len(found) > 1 and not self._several):
            return []
        self._held = ""
        return [call for call in found if call is not None]

    def rest(self) -> str:
        """The text that was held back."""
        held, self._held = self._held, ""
        return held

    def _looks_so(self, text: str) -> bool | None:
        """Whether calls can come of what begins so; None where that shows later."""
        text = text.lstrip()
        for opening in _OPENINGS:
            if text.startswith(opening):
                text = text.removeprefix(opening).lstrip()
                break
            if opening.startswith(text):
                return None
        text = text.removeprefix("[").lstrip()
        if not text:
            return None
        if not text.startswith("{"):
            return False
        text = text[1:].lstrip()
        if named := _NAMED.match(text):
            return named[1] in self._tools
        if text.startswith(_ARGUMENTS_FIRST):
            return True
        return None if any(text.startswith(key) or key.startswith(text) for key in _KEYS) else False

    def _call(self, value: Any) -> BareCall | None:
        if not isinstance(value, dict) or len(value) != 2 or value.get("name") not in self._tools:
            return None
        name, arguments = value["name"], next((value[key] for key in ARGUMENTS if key in value), None)
        if not isinstance(arguments, dict) or not _fits(arguments, self._tools[name]):
            return None
        return BareCall(name, json.dumps(arguments, ensure_ascii=False))


def bare_calls(options: GenerationOptions) -> BareCalls | None:
    """For an answer that may call tools or say something; None for any other."""
    bound = options.tool_choice not in (None, "auto") or options.response_format is not None
    if not options.tools or bound or options.prefill:
        return None
    return BareCalls(options.tools, several=options.parallel_tool_calls is not False)


def _values(text: str) -> Iterator[Any]:
    """The JSON values one after the other, a list's each for itself. Raises `ValueError` for all else."""
    decoder, at = json.JSONDecoder(parse_constant=_no_json), _behind_frame(text, 0)
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield from value if isinstance(value, list) else [value]
        at = _behind_frame(text, at)


def _no_json(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _behind_frame(text: str, at: int) -> int:
    while (found := _FRAME.match(text, at)) and found.end() > at:
        at = found.end()
    return at


def _fits(arguments: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether the tool has these arguments, and none is missing. What each holds is looked at by whoever runs
    the tool, as in calls of any other form."""
    known = schema.get("properties")
    if any(name not in arguments for name in schema.get("required", ())):
        return False
    if not isinstance(known, dict) or schema.keys() & _OPEN:
        return True
    return all(name in known for name in arguments)
