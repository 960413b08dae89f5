"""What is known of each model's doubts of its own answers: numbers by kind of prompt, no text of any.

Kept in one small file that one supervisor writes; what cannot be read or written is learned again."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from ai_pal.catalog.references.resolved import Resolved

Kind = Literal["closed", "calculation", "code", "open"]
"""Kinds of prompts: one to be answered by a letter or a word, with a number, with a program, or freely."""

Signal = Literal["probe", "beginning", "whole"]
"""Where a number comes from: the probe before an answer, the entropy of its first tokens, minus the mean
logprob of all of them."""

Opinion = Literal["", "good", "bad"]
"""What people hold of a model's answers to a kind of prompt; empty: nothing clear."""

MOST_SEEN = 200
"""Numbers of one signal that count: the latest."""

MOST_MODELS = 64
SAVE_EVERY = 10.0

ASKED = 150
"""Questions of a whole calibration."""

LEAST_AREA = 0.65
"""Under the ROC curve of 'its answer is right': a model below it cannot doubt."""

LEAST_QUESTIONS = 30
"""With fewer answers an area says nothing."""


class Calibration(msgspec.Struct, frozen=True, omit_defaults=True):
    """How well a model's doubt told its right answers from its wrong ones: the area under the ROC curve, 0.5
    is chance, over so many `questions`."""

    area: float
    questions: int

    @property
    def can_doubt(self) -> bool:
        return self.area >= LEAST_AREA and self.questions >= LEAST_QUESTIONS


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What an answer to a question of a calibration has told: whether it was right, the signal that doubts
    it, and how much, the larger the more; of one that was probed also what the `whole` answer says. One
    without a signal does not count: nothing doubts it, or it was cut off before it said anything that is
    right or wrong."""

    right: bool
    signal: Literal["", Signal] = ""
    doubt: float = 0.0
    whole: float | None = None


class Unfinished(msgspec.Struct, omit_defaults=True):
    """A calibration that was begun: the answers so far by the id of their question, and the seconds they
    took. `questions` tells one set of questions from another: answers to others do not count."""

    questions: str
    answers: dict[str, Mark] = msgspec.field(default_factory=dict)
    seconds: float = 0.0


class Seen(msgspec.Struct, omit_defaults=True):
    """The latest doubts of one model about one kind of prompt, in nats, the oldest first; `both` are those of
    the probe and of the whole answer, where an answer had both, and `explained` the same of answers that say
    more than a letter or a word, whose means are others. `owed` is how many answers more (or fewer, below 0)
    should have been doubted for its share to be kept. `good` and `bad` count what people have said."""

    probe: list[float] = msgspec.field(default_factory=list)
    beginning: list[float] = msgspec.field(default_factory=list)
    whole: list[float] = msgspec.field(default_factory=list)
    both: list[tuple[float, float]] = msgspec.field(default_factory=list)
    explained: list[tuple[float, float]] = msgspec.field(default_factory=list)
    owed: float = 0.0
    good: int = 0
    bad: int = 0

    def of(self, signal: Signal) -> list[float]:
        """The numbers of one signal."""
        return self.probe if signal == "probe" else self.beginning if signal == "beginning" else self.whole

    def add(self, signal: Signal, value: float) -> None:
        """One more, in the place of the oldest."""
        numbers = self.of(signal)
        numbers.append(value)
        del numbers[:-MOST_SEEN]

    def pairs(self, *, explained: bool) -> list[tuple[float, float]]:
        """Both numbers of answers that are `explained`, or of those that are not."""
        return self.explained if explained else self.both

    def add_both(self, probe: float, whole: float, *, explained: bool = False) -> None:
        """Both of one answer, in the place of the oldest."""
        pairs = self.pairs(explained=explained)
        pairs.append((probe, whole))
        del pairs[:-MOST_SEEN]


class ModelDoubts(msgspec.Struct, omit_defaults=True):
    """What is known of one model file. `pace` is in tokens a second, 0 where no answer has told."""

    calibration: Calibration | None = None
    pace: float = 0.0
    kinds: dict[str, Seen] = msgspec.field(default_factory=dict)
    unfinished: Unfinished | None = None

    @property
    def can_doubt(self) -> bool:
        return self.calibration is not None and self.calibration.can_doubt

    def begun(self, questions: str) -> Unfinished:
        """The calibration with these questions that is under way: nothing yet, if none is."""
        if self.unfinished is not None and self.unfinished.questions == questions:
            return self.unfinished
        return Unfinished(questions)

    def seen(self, kind: Kind) -> Seen:
        """Its doubts about a kind of prompt."""
        return self.kinds.setdefault(kind, Seen())


class DoubtFile:
    """The file, read again where somebody else has written it. Not for several threads."""

    def __init__(self, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._file, self._now = file, now
        self._saved_at, self._unsaved = float("-inf"), False
        self._stamp: tuple[int, int, int] | None = None
        self._models: dict[str, ModelDoubts] = {}

    def known(self, key: str) -> ModelDoubts | None:
        """What is known of the model file of this `key`, to be changed in place; None: nothing."""
        self._read()
        return self._models.get(key)

    def learned(self) -> None:
        """Something was changed in place: kept at least every `SAVE_EVERY` seconds while answers come."""
        if self._stamp_now() != self._stamp:  # somebody else has written: that counts
            self._read()
            return
        self._unsaved = True
        if self._now() - self._saved_at >= SAVE_EVERY:
            self.save()

    def close(self) -> None:
        """Keep what is not kept yet."""
        if self._unsaved:
            self.save()

    def calibrate(self, key: str, calibration: Calibration) -> None:
        """A calibration is finished, and kept at once; it goes over an earlier one. What answers have told
        stays."""
        self._read()
        model = self._models.pop(key, None) or ModelDoubts()
        model.calibration, model.unfinished = calibration, None
        self._models[key] = model
        self.save()

    def mark(self, key: str, questions: str, question: str, mark: Mark, seconds: float) -> Unfinished:
        """One more answer of a calibration, which took so long; all of them so far. A run that is ended loses
        what `SAVE_EVERY` has not come to."""
        self._read()
        model = self._models.setdefault(key, ModelDoubts())
        unfinished = model.unfinished = model.begun(questions)
        unfinished.answers[question] = mark
        unfinished.seconds += seconds
        self.learned()
        return unfinished

    def forget(self) -> None:
        """All that answers have told; calibrations stay."""
        self._read()
        for key, model in self._models.items():
            self._models[key] = ModelDoubts(model.calibration, unfinished=model.unfinished)
        self.save()

    def all(self) -> dict[str, ModelDoubts]:
        """Everything that is known, by key."""
        self._read()
        return self._models

    def save(self) -> None:
        """Whole or not at all."""
        kept = dict(list(self._models.items())[-MOST_MODELS:])
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)  # owner-only
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.encode(kept))
                os.replace(name, self._file)
            except OSError:
                os.unlink(name)
        self._stamp = self._stamp_now()
        self._saved_at, self._unsaved = self._now(), False

    def _read(self) -> None:
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp, self._models = stamp, {}
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self._models = msgspec.json.decode(self._file.read_bytes(), type=dict[str, ModelDoubts])

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def key_of(resolved: Resolved) -> str:
    """One text per engine and model file: another file in its place is another model."""
    return f"{resolved.load.engine} {resolved.file or resolved.load.model} {resolved.stamp}".rstrip()
