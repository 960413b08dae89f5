"""Somebody who could answer, as things stand now."""

from enum import StrEnum

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Failure
from ai_pal.protocol.options import Ability
from ai_pal.protocol.provider import Provider
from ai_pal.providers.prices import FREE, Price

LOCAL, OLLAMA, CLOUD, MACHINE = 1, 2, 3, 4
"""Kinds of those who answer; a machine is another one of the user's. They are no order."""

UNUSABLE = "unusable"
"""The state of a model of this machine whose name means nothing, or whose file is none."""

BUSY = "busy"
"""The state of another machine's model for which requests wait already."""

UNSEEN = "unseen"
"""The state of one who is looked for, though nobody has set it up and it was never there."""


class Grade(StrEnum):
    """How hard the prompts are that a cloud's model is there for."""

    MID = "mid"
    STRONG = "strong"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one provider. `window` is in tokens, 0 where it is not known; `price` is None where nobody
    knows it. `seconds` to the first content were learned. `remote`: the prompt would leave this machine.
    `absent`: it has to be downloaded first. `failure` is why it cannot be asked now; with `prefills` it
    can go on where another broke off. `server` is where it is asked, None for this machine;
    `resolved` is what it means here, where that is known. `abilities` is what it can be asked
    for, None where only its load tells; `lacks` is why it cannot do what this request needs. Not `expected`:
    nobody has set it up, so that its absence is no news. With another `mark` it is asked with another key.
    One that is `larger` than this machine's own model is asked only after that has doubted its answer."""

    tier: int
    provider: str
    model: str
    grades: frozenset[Grade] = frozenset()
    state: str = ""
    remote: bool = False
    window: int = 0
    price: Price | None = FREE
    seconds: float | None = None
    loaded: bool = False
    absent: bool = False
    prefills: bool = False
    failure: Failure | None = None
    server: Provider | None = None
    resolved: Resolved | None = None
    abilities: frozenset[Ability] | None = None
    lacks: Failure | None = None
    expected: bool = True
    mark: str = ""
    larger: bool = False

    @property
    def name(self) -> str:
        """As people name it: `phi-2`, `ollama:phi`, `openai:gpt-4`."""
        return self.model if self.tier == LOCAL else f"{self.provider}:{self.model}"
