"""One question of a calibration, asked of a model of this machine and marked."""

from typing import Protocol

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Failure
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Answered, Job, News, Result, Sink
from ai_pal.server.router.cascade.kinds import prompted
from ai_pal.server.router.cascade.questions import MOST_TOKENS, Question, is_right
from ai_pal.store.doubts import Mark


class Marking(Protocol):
    """Who has it asked, and hears what comes of it: nothing where it calls it off."""

    def news(self, news: News) -> None:
        """What is told on the way."""

    def marked(self, question: Question, mark: Mark) -> None:
        """It is answered."""

    def unanswered(self, failure: Failure) -> None:
        """It could not be asked."""


def job_of(
    question: Question, resolved: Resolved, model: str, *, owner: bytes = b"", background: bool = False
) -> Job:
    """What its model is asked: nothing of it leaves this machine."""
    work = inner.Generate(
        0,
        [Message("user", question.prompt)],
        GenerationOptions(temperature=0.0, max_tokens=MOST_TOKENS),
        watch=True,
        probe=prompted(question.prompt).probe,
    )
    return Job(work=work, model=model, owner=owner, resolved=resolved, private=True, background=background)


class AskedQuestion(Sink):
    """Hears the answer of one question, and marks it."""

    def __init__(self, question: Question, marking: Marking) -> None:
        self._question, self._marking = question, marking
        self._texts: list[str] = []
        self._probe: float | None = None

    def accepted(self, model: str) -> None:
        return

    def news(self, news: News) -> None:
        self._marking.news(news)

    def probed(self, entropy: float) -> None:
        self._probe = entropy

    def delta(self, piece: inner.DeltaItem) -> None:
        if piece.kind == "text":
            self._texts.append(msgspec.msgpack.decode(piece.text, type=str))

    def done(self, result: Result) -> None:
        cut = isinstance(result, Answered) and result.finish_reason == "length"
        right = is_right(self._question, "".join(self._texts), cut=cut)
        doubt = result.doubt if isinstance(result, Answered) else None
        whole = -doubt.logprob if doubt is not None and doubt.tokens else None
        if right is None:
            mark = Mark(False)
        elif self._probe is not None:
            mark = Mark(right, "probe", self._probe, whole)
        elif whole is not None:
            mark = Mark(right, "whole", whole)
        else:
            mark = Mark(right)
        self._marking.marked(self._question, mark)

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self._marking.unanswered(failure)

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        return
