"""JSON for scripts: every field of a message, also those that the wire leaves out."""

import sys
from typing import Any

import msgspec


def whole(value: Any) -> Any:
    """`value` as plain data, fields with their default included; request ids mean nothing here."""
    if isinstance(value, msgspec.Struct):
        return {name: whole(getattr(value, name)) for name in value.__struct_fields__ if name != "id"}
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """Print `value` as one indented JSON document, in UTF-8 whatever stdout has."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(whole(value))) + b"\n")
