"""Headers of a request that do what the flags of `ai-pal chat` do: `x-ai-pal-local-only: 1`. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from ai_pal.client.asking import Asking
from ai_pal.config.durations import parse_duration
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.client import Escalate, Goal

PREFIX = "x-ai-pal-"


def asked_by(headers: Mapping[str, str]) -> Asking:
    """What these headers say, as keywords of any client; names are in lower case. Raises `BodyError` for a
    value that cannot be, and for a header of ours that is none: privacy is not lost to a misspelling."""
    found: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(PREFIX):
            reads = _READS.get(name.removeprefix(PREFIX))
            if reads is None:
                known = ", ".join(PREFIX + one for one in _READS)
                raise BodyError(f"there is no header {name}", name, f"there are {known}")
            keyword, read = reads
            if not value.strip():
                raise BodyError(f"the header {name} says nothing", name, "leave it out")
            try:
                found[keyword] = read(value.strip())
            except ValueError as error:
                raise BodyError(str(error), name) from None
    return found  # type: ignore[return-value]


def _switch(value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{value!r} is neither 1 nor 0")


def _cost(value: str) -> float:
    try:
        cost = float(value)
    except ValueError:
        cost = -1.0
    if not 0 <= cost < float("inf"):
        raise ValueError(f"{value!r} is no sum of US dollars")
    return cost


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        return value

    return read


_READS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "local-only": ("local_only", _switch),
    "mine": ("mine", _switch),
    "max-cost": ("max_cost", _cost),
    "deadline": ("deadline", parse_duration),
    "goal": ("goal", _one_of(tuple(filter(None, get_args(Goal))))),
    "escalate": ("escalate", _one_of(tuple(filter(None, get_args(Escalate))))),
    "session": ("principal", str),
}

HEADERS = tuple(PREFIX + name for name in _READS)
