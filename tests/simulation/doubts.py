"""Doubts in the simulation: which model knows how much, what clients want done of it, what workers tell."""

import random
from typing import get_args

from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.doubt import Doubt, Flaw
from ai_pal.server.router.cascade.hold import PATIENCE
from ai_pal.store.doubts import Calibration, Kind, ModelDoubts, Seen

MODES: tuple[wire.Escalate, ...] = ("", "ask", "stronger", "auto", "auto", "auto", "auto")
SURE, UNSURE = 0.1, 5.0
SLOW = 9.0


def is_doubtable(chat: wire.Chat) -> bool:
    """Whether a second answer may follow the first of this."""
    return chat.escalate == "auto" and chat.seams and not chat.continuation and not chat.options.tools


class SimDoubts:
    """Implements `router.ports.DoubtMemory`, with dice of its own: histories without doubts stay as they
    are. `late`: whoever else is asked begins when a draft has waited for long enough."""

    def __init__(self, seed: int, wanted: bool | None, *, late: bool) -> None:
        self.late = late
        self.dice = random.Random(f"doubts {seed}")
        self.on = self.dice.random() < 0.4 if wanted is None else wanted
        self._models: dict[str, ModelDoubts] = {}

    def known(self, key: str) -> ModelDoubts | None:
        if not self.on:
            return None
        if key not in self._models:
            seen = [number / 100 for number in range(100)]
            kinds = {kind: Seen([*seen], [*seen], [*seen]) for kind in get_args(Kind)}
            area, pace = self.dice.choice((0.5, 0.8, 0.8)), self.dice.choice((0.0, SLOW))
            self._models[key] = ModelDoubts(Calibration(area, 100), pace, kinds)
        return self._models[key]

    def learned(self) -> None:
        """Nothing is kept here."""

    def wish(self) -> tuple[wire.Escalate, bool]:
        """What a client wants done of a doubt, and whether it shows seams."""
        if not self.on:
            return "", True
        return self.dice.choice(MODES), self.dice.random() < 0.8

    def lateness(self) -> float:
        """Seconds by which a provider begins later than usual."""
        return PATIENCE if self.on and self.late else 0.0

    def entropy(self) -> float:
        """How unsure a worker is of one answer."""
        return self.dice.choice((SURE, SURE, UNSURE))

    def probed(self, key: int) -> list[inner.FromWorker]:
        """What a worker says of a probe, if it tries one."""
        return [inner.Probed(key, self.entropy())] if self.dice.random() < 0.8 else []

    def doubt(self, tokens: int, entropy: float) -> Doubt:
        """What a worker says of an answer that has ended."""
        flaws: list[Flaw] = [self.dice.choice(get_args(Flaw))] if self.dice.random() < 0.1 else []
        return Doubt(tokens, -entropy, entropy, flaws)
