"""Error bodies of real servers with what each means: error_bodies.toml, read."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.egress.providers.failures.taxonomy import of_event, of_status, parsed
from ai_pal.errors import Failure
from ai_pal.protocol.provider import Api

FILE = Path(__file__).with_suffix(".toml")


class Meaning(msgspec.Struct, frozen=True):
    """What follows from a code. `breaker`: "counts", or for whom it is remembered ("provider", "model"), or
    "". `paid`: the prompt is booked."""

    retryable: bool
    breaker: str
    paid: bool = False


class Case(msgspec.Struct, frozen=True):
    """One error body. `status` 200: inside an answer that had begun."""

    name: str
    status: int
    body: str
    code: str
    words: str = ""
    retry_after: float | None = None
    apis: tuple[Api, ...] = ("ollama", "openai", "anthropic", "cohere")

    def failure(self) -> Failure:
        """What the pure classifier makes of it."""
        said: Any = parsed(self.body)
        said = self.body if said is None else said
        if self.status == 200:
            return of_event("p", "m", said)
        return of_status("p", "m", self.status, {}, said)


class _File(msgspec.Struct):
    codes: dict[str, Meaning]
    case: list[Case]


_read = msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), _File)
CODES, CASES = _read.codes, _read.case
