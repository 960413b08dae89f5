"""What `schema=` takes, as the form that an answer is bound to and the object that it becomes."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.client.functions import inlined
from ai_pal.client.timed_schema import json_schema
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.options import JsonSchema


class Shape:
    """A JSON Schema as a dict, or a type: `msgspec.Struct`, dataclass, `TypedDict`, whatever msgspec knows, a
    pydantic model or `TypeAdapter`. Raises `TypeError` for what is none."""

    def __init__(self, schema: Any) -> None:
        found, self._read = _understood(schema)
        self.form = JsonSchema(found, _name(schema))

    def applied(self, how: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords of a question, bound to this shape."""
        options = how.get("options")
        if how.get("response_format") is not None or getattr(options, "response_format", None) is not None:
            raise TypeError("schema and response_format are given: one of them says what the answer is")
        return {**how, "response_format": self.form}

    def fill(self, answer: Answer) -> Answer:
        """The answer with its value. Raises `AiPalError` where it is not of this shape, with the text in
        `detail`; one that calls tools has none yet."""
        if answer.tool_calls or answer.finish_reason == "cancelled":
            return answer
        try:
            answer.value = self._read(answer.text)
        except ValueError as error:
            raise AiPalError(_wrong(answer, error)) from None
        return answer


class AnyShape:
    """No shape is wanted: questions and answers stay as they are."""

    def applied(self, how: Mapping[str, Any]) -> dict[str, Any]:
        return dict(how)

    def fill(self, answer: Answer) -> Answer:
        return answer


def shape_of(schema: Any) -> Shape | AnyShape:
    """The shape that is wanted, if one is. Raises as `Shape`."""
    return AnyShape() if schema is None else Shape(schema)


def _understood(schema: Any) -> tuple[dict[str, Any], Callable[[str], Any]]:
    if isinstance(schema, Mapping):
        return dict(schema), msgspec.json.decode
    if hasattr(schema, "model_json_schema"):  # a model of pydantic's, which is not imported for this
        return schema.model_json_schema(), schema.model_validate_json
    if hasattr(schema, "validate_json") and hasattr(schema, "json_schema"):
        return schema.json_schema(), schema.validate_json
    if isinstance(schema, str | bytes | int | float | list | tuple | set | None):
        raise TypeError(f"schema takes a JSON Schema as a dict, or a type, not {type(schema).__name__}")
    try:
        return inlined(json_schema(schema)), msgspec.json.Decoder(schema).decode
    except TypeError:
        if (adapter := _adapter(schema)) is None:
            raise
        return _understood(adapter)


def _adapter(schema: Any) -> Any:
    """Pydantic's word on a type that msgspec does not know, such as a list of its models."""
    if (pydantic := sys.modules.get("pydantic")) is None:
        return None
    try:
        return pydantic.TypeAdapter(schema)
    except pydantic.errors.PydanticUserError:
        return None


def _name(schema: Any) -> str:
    """What providers may call it: letters, digits, underscores and dashes."""
    return re.sub(r"[^A-Za-z0-9_-]", "", getattr(schema, "__name__", ""))[:64] or "answer"


def _wrong(answer: Answer, error: ValueError) -> Failure:
    if answer.finish_reason == "length":
        went_round = any(notice.kind == "repeats" for notice in answer.notices)
        hint = "ask again, or another model" if went_round else "raise max_tokens"
        return Failure(Code.LENGTH, "the answer ended before it was whole", hint, detail=answer.text)
    who = f"{answer.provider}:{answer.model}" if answer.provider else "the model"
    return Failure(
        Code.ENGINE_ERROR if answer.tier == 1 else Code.PROVIDER_ERROR,
        f"the answer of {who} is not of the schema: {error}",
        "ask again, or another model",
        retryable=True,
        detail=answer.text,
    )
