"""Frames that are nearly right: specimens of every message, damaged at random. Pure; the dice decide."""

import random
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

DEEP = 100_000
LENGTHS = [bytes([kind]) + b"\xff" * 4 for kind in (0xC6, 0xDB, 0xDD, 0xDF)]
EXTREMES = [
    b"\xcf" + b"\xff" * 8,
    b"\xd3\x80" + b"\0" * 7,
    b"\xcb\x7f\xf8" + b"\0" * 6,
    b"\xcb\x7f\xf0" + b"\0" * 6,
]
ODD = [b"\xc0", b"\xc1", b"\xc3", b"\xd9\xff", b"\xa2\xff\xfe", b"\xc7\x05\xff", b"\xd6\xff\0\0\0\0"]
SPECIAL = [*LENGTHS, *EXTREMES, *ODD, b"\x91" * 40, b"\x81\xa1a" * 40]
"""Pieces of MessagePack that mean something: lengths without content, extremes, NaN, no UTF-8, nesting."""


def specimens(union: Any) -> list[bytes]:
    """One message of each type, every field filled in."""
    return [msgspec.msgpack.encode(_specimen(kind)) for kind in get_args(union)]


def mutants(corpus: list[bytes], dice: random.Random) -> Iterator[bytes]:
    """Without end: whole, damaged, spliced and made-up frames."""
    while True:
        frame = bytearray(dice.choice(corpus))
        for _ in range(dice.choice((0, 1, 1, 2, 4, 16))):
            _damage(frame, corpus, dice)
        yield bytes(frame)


def _damage(frame: bytearray, corpus: list[bytes], dice: random.Random) -> None:
    at = dice.randrange(len(frame) + 1)
    match dice.randrange(7):
        case 0 if at < len(frame):
            frame[at] ^= 1 << dice.randrange(8)
        case 1 if at < len(frame):
            frame[at] = dice.randrange(256)
        case 2:
            del frame[at:]
        case 3:
            del frame[at : at + dice.randrange(1, 9)]
        case 4:
            frame[at:at] = dice.choice(SPECIAL)
        case 5:
            frame[at : at + 1] = dice.choice(SPECIAL)
        case 6:
            other = dice.choice(corpus)
            frame[at:] = other[dice.randrange(len(other) + 1) :]


def monsters() -> list[bytes]:
    """Frames that are wrong in a large way."""
    size = 10_000_000
    return [
        b"\x91" * DEEP,
        b"\x81\xa1a" * DEEP,
        b"\x82\xa4type\xa4chat\xa7options" + b"\x81\xa5extra" * DEEP,
        b"\xc6" + size.to_bytes(4, "big") + bytes(size),
        b"\x82\xa4type\xa4load\xa5model\xdb" + size.to_bytes(4, "big") + b"m" * size,
        b"",
    ]


def _specimen(kind: type[msgspec.Struct]) -> msgspec.Struct:
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name]) for name in kind.__struct_fields__})


def _value(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        lists = [one for one in arguments if get_origin(one) is list]  # parts, where a text would do
        return _value((lists or [one for one in arguments if one is not type(None)])[0])
    if origin is Literal:
        return arguments[0]
    if origin in (list, tuple):
        each = get_args(arguments[0]) if get_origin(arguments[0]) in (Union, UnionType) else arguments[:1]
        return origin([_value(one) for one in each])
    if origin is dict:
        return {_value(arguments[0]): _value(arguments[1])}
    if hint is dict:
        return {"k": 1}
    if isinstance(hint, TypeVar) or hint is Any or hint is object:
        return 1
    if hint is msgspec.Raw:
        return msgspec.Raw(msgspec.msgpack.encode("text"))
    if issubclass(hint, msgspec.Struct):
        return _specimen(hint)
    if issubclass(hint, Enum):
        return next(iter(hint))
    return {str: "echo", int: 1, float: 0.5, bool: True, bytes: b"x"}[hint]
