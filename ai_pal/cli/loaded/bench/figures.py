"""What one setting of one model came to, which settings are tried, and what would be a better one. Pure."""

import shlex
import statistics
from collections.abc import Sequence

import msgspec

TYPICAL_PROMPT, TYPICAL_ANSWER = 500, 250
"""Tokens of the question and answer by which settings are compared."""

BETTER = 1.1
"""How much faster a setting has to be to be worth a word: less comes and goes by itself."""

COMFORT = 5.0
"""Tokens a second: slower than this a reader waits for the writer."""


class Run(msgspec.Struct, frozen=True):
    """One answer: tokens that were read, and how fast, tokens that were written, and how fast; seconds to the
    first. A speed is None where too little was read or written to tell."""

    prompt_tokens: int
    answer_tokens: int
    prefill: float | None
    decode: float | None
    first_token: float


class Row(msgspec.Struct, frozen=True):
    """A model with so many threads, `as_set` where the settings say that or leave it to the machine. What is
    told is the median of its runs; `memory` in bytes, `spread` of the speeds of writing, from 0.
    `form_of`: this is another quantization of that model, "" where the model itself was asked for."""

    model: str
    threads: int
    as_set: bool
    memory: int
    runs: list[Run]
    form_of: str = ""

    @property
    def prefill(self) -> float | None:
        return _median([run.prefill for run in self.runs])

    @property
    def decode(self) -> float | None:
        return _median([run.decode for run in self.runs])

    @property
    def writes(self) -> float:
        """Tokens a second; 0 where nobody knows."""
        return self.decode or 0.0

    @property
    def first_token(self) -> float:
        return statistics.median(run.first_token for run in self.runs)

    @property
    def spread(self) -> float:
        speeds = [run.decode for run in self.runs if run.decode]
        return (max(speeds) - min(speeds)) / statistics.median(speeds) if speeds else 0.0

    @property
    def typical(self) -> float | None:
        """Seconds for a typical question and its answer."""
        if not self.prefill or not self.decode:
            return None
        return TYPICAL_PROMPT / self.prefill + TYPICAL_ANSWER / self.decode


class Smaller(msgspec.Struct, frozen=True):
    """Another form of a model that reads `share` of the bytes for each token."""

    name: str
    share: float


class Advice(msgspec.Struct, frozen=True):
    """What would be better for a model, and the command for it; none where there is nothing to do."""

    model: str
    text: str
    command: str = ""


def thread_counts(cores: int) -> list[int]:
    """Those that are worth a try on so many cores: all, all but one, half, a quarter."""
    return sorted({count for count in (cores // 4, cores // 2, cores - 1, cores) if count >= 1})


def thread_advice(rows: Sequence[Row], setting: str) -> Advice | None:
    """With how many threads a model answers faster, by the rows of it; `setting` is what changes them. None:
    with no other number, or nothing was measured."""
    measured = [row for row in rows if row.typical]
    now = next((row for row in measured if row.as_set), None)
    if now is None:
        return None
    best = min(measured, key=lambda row: row.typical or 0.0)
    faster = (now.typical or 0.0) / (best.typical or 1.0)
    if faster < BETTER:
        return None
    text = f"{best.threads} threads answer {faster:.1f} times as fast as {now.threads}"
    return Advice(now.model, text, f"ai-pal config set {setting} {best.threads}")


def slow_advice(now: Row, smaller: Smaller | None = None) -> Advice | None:
    """What to fetch where people have to wait for this one. None: they do not."""
    if now.writes >= COMFORT:
        return None
    slow = f"it writes {now.writes:.1f} tokens a second, slower than people read"
    if smaller is None:
        return Advice(now.model, f"{slow}; a smaller model is faster", "ai-pal list --all")
    expected = now.writes / smaller.share
    text = f"{slow}; {smaller.name} would write about {expected:.1f}"
    return Advice(now.model, text, f"ai-pal pull {smaller.name}")


def form_advice(now: Row, others: Sequence[Row]) -> Advice | None:
    """Which of the `others`, quantizations of the same model, may be better than the one that answers `now`.
    Where people have to wait for it: the largest that they do not wait for, or the fastest. Else one that is
    larger and still fast enough, as it loses less of the model; else one that is faster. None: there is
    none."""
    measured = [row for row in others if row.typical]
    fast = [row for row in measured if row.writes >= COMFORT]
    quicker = [row for row in measured if row.writes >= BETTER * now.writes]
    if now.writes < COMFORT:
        best = _largest([row for row in quicker if row in fast]) or _fastest(quicker)
        why = "slower than people read"
    elif best := _largest([row for row in fast if row.memory > BETTER * now.memory]):
        why = "and loses more of the model"
    else:
        best, why = _fastest(quicker), "and loses less of the model"
    if best is None:
        return None
    text = f"{best.model} writes {best.writes:.1f} tokens a second, this one {now.writes:.1f}, {why}"
    return Advice(now.model, text, f"ai-pal chat -m {shlex.quote(best.model)}")


def _largest(rows: Sequence[Row]) -> Row | None:
    return max(rows, key=lambda row: row.memory, default=None)


def _fastest(rows: Sequence[Row]) -> Row | None:
    return max(rows, key=lambda row: row.writes, default=None)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
