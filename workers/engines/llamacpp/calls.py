"""Calls of tools that a grammar has forced, told apart while they are generated. Pure."""

import json
import secrets

from workers.engines.base import OpenPart

NAME, ARGUMENTS = '{"name": ', ', "arguments": '


def new_call() -> str:
    """An id for a call of a model that gives none."""
    return f"call_{secrets.token_hex(8)}"


class ForcedCalls:
    """One call per line, begun as by `grammars.opening`; arguments are JSON without line breaks."""

    def __init__(self, first_place: int) -> None:
        self._place = first_place
        self._part: OpenPart | None = None
        self._held = ""

    def push(self, text: str) -> list[tuple[OpenPart, str]]:
        """What has become certain with this text."""
        self._held += text
        pieces: list[tuple[OpenPart, str]] = []
        while True:
            part = self._part
            if part is None:
                part = self._part = self._begin()
                if part is None:
                    return pieces
                pieces.append((part, ""))
            line, end, rest = self._held.partition("\n")
            arguments = line[:-1]  # the last brace is the call's own, or may be
            if arguments:
                pieces.append((part, arguments))
            if not end:
                self._held = line[-1:]
                return pieces
            self._held, self._part = rest, None

    def end(self, *, cut: bool) -> list[tuple[OpenPart, str]]:
        """What is left: the brace of the call itself, unless the answer was cut before."""
        held, self._held = self._held, ""
        return [(self._part, held)] if cut and held and self._part is not None else []

    def _begin(self) -> OpenPart | None:
        name, found, rest = self._held.removeprefix(NAME).partition(ARGUMENTS)
        if not found or not self._held.startswith(NAME):
            return None
        part = OpenPart("tool_call", self._place, new_call(), json.loads(name))
        self._place, self._held = self._place + 1, rest
        return part
