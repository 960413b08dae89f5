"""Several answers in one stream or one body, told apart by their `index`. Pure."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, Protocol

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure
from ai_pal.gateway.answering.several import MOST, Answers, side_by_side, total
from ai_pal.gateway.asking.asked import Asked, Begin, Writer
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage


class Choice(Writer, Protocol):
    """Writes one of them."""

    thought: int
    """Tokens of thoughts, of what has been written."""

    def opening(self) -> bytes:
        """What begins this one, once; nothing where no chunk of its own does."""

    def ended(self, done: wire.Done) -> bytes:
        """The last chunk of this one."""

    def closing(self, usage: Usage, thought: int) -> bytes:
        """The end of the stream."""

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This one in a body."""

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds all."""


class Choices:
    """Writes all of them: the events' `id` is the number of the answer. Of those that are `scored`, by their
    numbers, how probable the prompt is comes with its first answer alone, and goes before all of them.

    All are opened in order before any says something: OpenAI's own reader puts them into a list by the order
    in which it meets them, and fails where the first that it meets is not the first."""

    media_type = "text/event-stream"

    def __init__(
        self, writers: Sequence[Choice], per_prompt: int, scored: Collection[int] = frozenset()
    ) -> None:
        self._writers, self._per_prompt, self._scored = writers, per_prompt, scored
        self._usages: dict[int, Usage] = {}
        self._held: dict[int, list[wire.AnyEvent]] = {number: [] for number in scored}
        self._opened = False

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become. What is said by one of them in a row goes to its writer together."""
        told = b""
        for number, run in groupby(events, self._says):
            if number is None:
                told += b"".join(map(self._in_turn, run))
            else:
                said = list(run)
                told += self._opening(said[0]) + self._writers[number].events(said)
        return told

    def _says(self, event: wire.AnyEvent) -> int | None:
        """Whose word this is, where it waits for nothing."""
        if not isinstance(event, wire.Delta | wire.Logprobs) or event.id in self._held:
            return None
        return event.id

    def _in_turn(self, event: wire.AnyEvent) -> bytes:
        """What comes of an answer waits for its prompt."""
        number: int = getattr(event, "id", 0)
        if number not in self._held or isinstance(event, wire.Started):
            return self._event(event)
        scores = isinstance(event, wire.Logprobs) and event.prompt
        if not scores:
            self._held[number].append(event)
        if not scores and not (isinstance(event, wire.Done) and number % self._per_prompt == 0):
            return b""
        told = b""
        for other in range(number, number + self._per_prompt):
            told += self._event(msgspec.structs.replace(event, id=other)) if scores else b""
            told += b"".join(map(self._event, self._held.pop(other)))
        return told

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """As the first of them would say it that goes on."""
        going = (writer for number, writer in enumerate(self._writers) if number not in self._usages)
        return next(going, self._writers[0]).alive(latest)

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest of all."""
        return self._writers[0].broken(failure)

    def whole(self, answer: Answer) -> bytes:
        """All of them in one body."""
        assert isinstance(answer, Answers)
        self._share(answer.choices)
        choices = [writer.choice(one) for writer, one in zip(self._writers, answer.choices, strict=True)]
        thought = sum(one.parts.thought for one in answer.choices)
        return self._writers[0].body(answer, choices, thought)

    def _share(self, answers: Sequence[Answer]) -> None:
        """What the first answer to a prompt tells of that, all of them do."""
        for number in self._scored:
            first = answers[number - number % self._per_prompt]
            answers[number].parts.prompt_logprobs = first.parts.prompt_logprobs

    def _event(self, event: wire.AnyEvent) -> bytes:
        if isinstance(event, wire.Started):  # one name for all of them
            return b"".join(writer.events([event]) for writer in self._writers)
        number: int = event.id  # type: ignore[union-attr]
        writer = self._writers[number]
        if not isinstance(event, wire.Done):
            return self._opening(event) + writer.events([event])
        self._usages[number] = event.usage
        end = self._opening(event) + writer.ended(event)
        if len(self._usages) == len(self._writers):
            usages = [usage for _, usage in sorted(self._usages.items())]
            thought = sum(one.thought for one in self._writers)
            end += writer.closing(total(usages, self._per_prompt), thought)
        return end

    def _opening(self, event: wire.AnyEvent) -> bytes:
        if self._opened or not isinstance(event, wire.Delta | wire.Logprobs | wire.Done):
            return b""
        self._opened = True
        return b"".join(writer.opening() for writer in self._writers)


class Best(Choices):
    """Writes `n` of the `of` answers to each prompt: those whose tokens were likeliest. In one body only."""

    def __init__(
        self,
        writers: Sequence[Choice],
        n: int,
        of: int,
        scored: Collection[int],
        *,
        tells_probabilities: bool,
    ) -> None:
        super().__init__(writers, of, scored)
        self._n, self._of, self._tells_probabilities = n, of, tells_probabilities

    def whole(self, answer: Answer) -> bytes:
        """The best of them in one body; `usage` counts all."""
        assert isinstance(answer, Answers)
        self._share(answer.choices)
        kept: list[Answer] = []
        for first in range(0, len(answer.choices), self._of):
            of_prompt = answer.choices[first : first + self._of]
            kept += sorted(of_prompt, key=_likelihood, reverse=True)[: self._n]
        if not self._tells_probabilities:
            for one in kept:
                one.parts.logprobs.clear()
        answer.choices = kept
        return super().whole(answer)


def _likelihood(answer: Answer) -> float:
    """The mean over its tokens."""
    said = [token.logprob for token in answer.logprobs]
    return sum(said) / len(said) if said else float("-inf")


def one_or_several(
    begins: Sequence[Begin],
    writers: Sequence[Choice],
    per_prompt: int,
    *,
    stream: bool,
    scored: Collection[int] = frozenset(),
) -> Asked:
    """The question for these answers; one alone is asked as it is."""
    if len(begins) == 1:
        return Asked(begins[0], stream, writers[0])
    return Asked(side_by_side(begins, per_prompt), stream, Choices(writers, per_prompt, scored), per_prompt)


def seed_of(seed: int | None, number: int) -> int | None:
    """The seed for this answer to a prompt: with the same, all would be the same."""
    return None if seed is None else seed + number


def number_of(n: int | None, prompts: int = 1, name: str = "n") -> int:
    """How many answers each prompt gets. Raises `BodyError`: too many."""
    wanted = 1 if n is None else n
    if wanted < 1:
        raise BodyError("there is at least one answer", name)
    if wanted * prompts > MOST:
        raise BodyError(
            f"one request has at most {MOST} answers", name if wanted > 1 else "prompt", "ask again"
        )
    return wanted
