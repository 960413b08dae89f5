"""Whether an answer has the form that it was asked for in, as far as that can be told without its schema."""

import json

from ai_pal.protocol.options import JsonObject, JsonSchema, ResponseFormat


class Form:
    """Takes the text of one answer; looks at it where it was to be JSON."""

    def __init__(self, wanted: ResponseFormat | None) -> None:
        self._wanted = wanted
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        if isinstance(self._wanted, JsonObject | JsonSchema):
            self._texts.append(text)

    @property
    def kept(self) -> bool:
        """Whether all of it is as wanted: JSON, and an object where that was asked for."""
        if not isinstance(self._wanted, JsonObject | JsonSchema):
            return True
        try:
            value = json.loads("".join(self._texts))
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) or not isinstance(self._wanted, JsonObject)
