"""Answers held to the types that the SDKs publish: none missing, of another type or unknown."""

import json
from functools import cache
from typing import Any, get_args

import pydantic


@cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def strictly(kind: Any, data: Any) -> None:
    """`data` is of this type, nothing of it taken for another."""
    _adapter(kind).validate_json(json.dumps(data), strict=True)


def by_type(union: Any) -> dict[str, Any]:
    """The members of a union of events, by what they call themselves."""
    members = get_args(get_args(union)[0])
    return {get_args(one.model_fields["type"].annotation)[0]: one for one in members}


def events(text: str) -> list[dict[str, Any]]:
    """Server-sent events; where one is named, it is named as its data says."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields.get("data", "[DONE]") != "[DONE]":
            data = json.loads(fields["data"])
            assert fields.get("event", data.get("type")) == data.get("type")
            found.append(data)
    return found
