"""How answers are wanted: all that a request holds besides its messages."""

import msgspec

from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.protocol.client import Escalate, Goal
from ai_pal.protocol.options import GenerationOptions


class Wishes(msgspec.Struct, frozen=True):
    """How answers are wanted: all that a request holds besides its messages. Seconds; a model that is
    not here is downloaded if it has at most `pull_limit` bytes, 0 for any size. `max_cost` in US dollars.
    `conversation` is the mark of the kept conversation, empty where nothing is kept."""

    model: str = ""
    options: GenerationOptions = GenerationOptions()
    deadline: float | None = None
    keep_alive: float | None = None
    pull_limit: int = UNASKED_BYTES
    local_only: bool = False
    goal: Goal = ""
    max_cost: float | None = None
    fallback: bool = True
    continuation: bool = False
    mine: bool = False
    conversation: str = ""
    escalate: Escalate = ""
