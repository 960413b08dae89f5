"""What the echo engine can be told: how a load and an answer are to go, and what is to go wrong in them."""

from typing import Any, TypeVar, get_args

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.value_rules import field_in_words

ABILITIES: list[Ability] = [ability for ability in get_args(Ability) if ability != "grammar"]
DOUBT = 0.25
FAULTS = ("exit", "kill", "fail", "hang", "block", "hold_gil")
OptionsType = TypeVar("OptionsType", bound=msgspec.Struct)


class LoadOptions(msgspec.Struct, frozen=True):
    """`LoadModel.options`: seconds, megabytes, or what the name says; `abilities` with commas. `pace`
    is that of requests that say none, and so is `doubt`."""

    load_seconds: float = 0.0
    load_fail: str = ""
    load_exit: int | None = None
    load_kill: int | None = None
    load_hang: bool = False
    load_hold_gil: float = 0.0
    leak_mb: int = 0
    pace: float = 0.0
    slots: int = 0
    context: int = 0
    abilities: str = ""
    doubt: float = DOUBT


class RequestOptions(msgspec.Struct, frozen=True):
    """`GenerationOptions.extra`: seconds, megabytes, or the index of the token at which the fault strikes.
    `ignore_eos` changes nothing: an echo has no token that ends it. `doubt` is the entropy of each token and
    of a probe, and the logarithm of each token's probability below zero."""

    tokens: int | None = None
    pace: float = 0.0
    prefill_seconds: float = 0.0
    exit_at: int | None = None
    kill_at: int | None = None
    fail_at: int | None = None
    hang_at: int | None = None
    block_at: int | None = None
    hold_gil_at: int | None = None
    leak_mb: int = 0
    chunk: int = 0
    ignore_eos: bool = False
    doubt: float | None = None


NAMES = (*RequestOptions.__struct_fields__, *GenerationOptions.__struct_fields__)
"""What may have been meant by a name that is none."""


def first_fault(options: RequestOptions) -> tuple[str, int]:
    """The first fault to strike and the token at which it does; -1 is never."""
    planned = [(at, name) for name in FAULTS if (at := getattr(options, f"{name}_at")) is not None]
    at, name = min(planned, default=(-1, ""))
    return name, at


def abilities_of(names: str) -> list[Ability]:
    """Those of these names; without any, all."""
    wanted = [name.strip() for name in names.split(",")]
    return [ability for ability in get_args(Ability) if ability in wanted] if names else ABILITIES


def converted(options: dict[str, Any], into: type[OptionsType]) -> OptionsType:
    """Read options that may come as text. Raises `AiPalError`."""
    try:
        return msgspec.convert(options, into, strict=False)
    except msgspec.ValidationError as error:
        fail(Code.BAD_REQUEST, f"an option of the echo engine is wrong: {field_in_words(error, into)}")
