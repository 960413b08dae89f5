"""The doubt of one local answer while it comes: its numbers, and whether they are large for this model.

Pure: it is told what has come, and tells whether somebody else should be asked."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ai_pal.protocol.doubt import Doubt
from ai_pal.server.router.cascade.share import (
    FEWEST_SEEN,
    allowed,
    doubt_of,
    doubt_of_both,
    first_half,
    is_doubted,
    owed_after,
    second_half,
)
from ai_pal.store.doubts import Kind, ModelDoubts, Signal

Escalate = Literal["off", "ask", "auto"]
"""What becomes of a doubted answer: nothing; a line that says so; another is asked."""

BEGINNING = 16
"""Tokens whose entropy tells of the whole answer; they are as many as are held."""

EXPLAINED = 16
"""Tokens beyond which the answer to a closed prompt is more than a letter or a word."""

PACE_WEIGHT = 0.3


class Verdict(NamedTuple):
    """An answer is doubted: how much, from 0 to 1, and the flaw that was seen, "" for none."""

    doubt: float
    flaw: str = ""

    @property
    def words(self) -> str:
        """As it is told of a model: `was unsure (0.81)`."""
        return FLAWS.get(self.flaw) or f"was unsure ({self.doubt:.2f})"


FLAWS = {
    "loop": "said the same over and over",
    "nothing_said": "said nothing",
    "refusal": "declined",
    "cut_off": "stopped in the middle",
    "invalid_json": "wrote no JSON",
    "broken_code": "wrote code that does not parse",
}


class Watch:
    """Hears the numbers of one answer in their order; one that is `limited` ends where it was asked to. Each
    look gives a verdict or None; `doubt` is the latest. `settle` is called once, when it is known what became
    of the answer."""

    def __init__(
        self, model: ModelDoubts, kind: Kind, mode: Escalate, share: float, *, limited: bool = False
    ) -> None:
        self._model, self._seen, self.kind, self.mode = model, model.seen(kind), kind, mode
        self._share = allowed(share, self._seen.owed)
        self._target, self._limited = share, limited
        self._entropies: list[float] = []
        self._new: list[tuple[Signal, float]] = []
        self.settled = False
        """What became of the answer is known: it is looked at no more."""
        self.doubt: float | None = None
        self.looks_at_beginning = mode == "auto" and kind != "closed"
        self._probe: float | None = None
        self._both: tuple[float, float] | None = None
        self._explained = False

    @property
    def looks_soon(self) -> bool:
        """Whether a look is to come at what it says first, or at an answer that may be as short as that, and
        there is enough to compare with: then that is worth waiting for."""
        if self.mode != "auto" or self.settled:
            return False
        if self.kind == "closed":
            return max(len(self._seen.probe), len(self._seen.whole)) >= FEWEST_SEEN
        return self.looks_at_beginning and len(self._seen.beginning) >= FEWEST_SEEN

    def probed(self, entropy: float) -> Verdict | None:
        """What the probe has shown, before the first token: half of the share is for those that it doubts,
        where another can still answer in time."""
        self.looks_at_beginning = False
        self._probe = entropy
        if self.mode == "auto":
            return self._look("probe", entropy, first_half(self._share))
        self._new.append(("probe", entropy))
        return None

    def takes(self, entropies: Sequence[float]) -> bool:
        """The entropies of the next tokens: whether there are now enough for the look at the beginning, which
        is true once."""
        if not self.looks_at_beginning:
            return False
        self._entropies += entropies
        return len(self._entropies) >= BEGINNING

    def begun(self) -> Verdict | None:
        """The look at the beginning."""
        self.looks_at_beginning = False
        first = self._entropies[:BEGINNING]
        return self._look("beginning", sum(first) / BEGINNING, first_half(self._share))

    def ended(self, doubt: Doubt | None) -> Verdict | None:
        """The answer is whole. A flaw counts whatever the share, if there is one at all."""
        self.looks_at_beginning = False
        if doubt is None:
            return None
        flaws = [flaw for flaw in doubt.flaws if flaw != "cut_off" or not self._limited]
        if flaws and self._target > 0.0:
            self.doubt = 1.0
            return Verdict(1.0, flaws[0])
        whole = -doubt.logprob if doubt.tokens else None
        if self._probe is not None:
            self._explained = doubt.tokens > EXPLAINED
            return self._look_at_both(self._probe, whole)
        if whole is None:
            return None
        looked = {signal for signal, _ in self._new}
        share = second_half(self._share) if "beginning" in looked else self._share
        return self._look("whole", whole, share)

    def settle(self, *, doubted: bool, pace: float = 0.0) -> None:
        """What became of it: remember its numbers, and what its share is owed now."""
        if self.settled:
            return
        self.settled, self.looks_at_beginning = True, False
        for signal, value in self._new:
            self._seen.add(signal, value)
        if self._both is not None:
            self._seen.add_both(*self._both, explained=self._explained)
        self._seen.owed = owed_after(self._seen.owed, self._target, doubted=doubted)
        if pace > 0.0:
            before = self._model.pace
            self._model.pace = before + PACE_WEIGHT * (pace - before) if before else pace

    def _look(self, signal: Signal, value: float, share: float) -> Verdict | None:
        self._new.append((signal, value))
        return self._verdict(doubt_of(value, self._seen.of(signal)), share)

    def _look_at_both(self, probe: float, whole: float | None) -> Verdict | None:
        """The answer to a closed prompt is whole: both together, among answers that are explained as it is.
        While too little is known of those, the probe counts alone."""
        doubt = None
        if whole is not None:
            self._both = probe, whole
            doubt = doubt_of_both(self._both, self._seen.pairs(explained=self._explained))
        if doubt is None:
            return self._verdict(doubt_of(probe, self._seen.probe), self._share)
        return self._verdict(doubt, second_half(self._share) if self.mode == "auto" else self._share)

    def _verdict(self, doubt: float | None, share: float) -> Verdict | None:
        if doubt is None:
            return None
        self.doubt = doubt
        return Verdict(doubt) if is_doubted(doubt, share) else None
