"""Several answers in one stream or one body, told apart by their `index`. Pure."""

from collections.abc import Sequence
from typing import Any, Protocol

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure
from ai_pal.gateway.asked import Asked, Begin, Writer
from ai_pal.gateway.bodies import BodyError
from ai_pal.gateway.several import MOST, Answers, side_by_side, total
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage


class Choice(Writer, Protocol):
    """Writes one of them."""

    thought: int
    """Tokens of thoughts, of what has been written."""

    def ended(self, done: wire.Done) -> bytes:
        """The last chunk of this one."""

    def closing(self, usage: Usage, thought: int) -> bytes:
        """The end of the stream."""

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This one in a body."""

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds all."""


class Choices:
    """Writes all of them: the events' `id` is the number of the answer."""

    media_type = "text/event-stream"

    def __init__(self, writers: Sequence[Choice], per_prompt: int) -> None:
        self._writers, self._per_prompt = writers, per_prompt
        self._usages: dict[int, Usage] = {}

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        return b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """As one of them would say it."""
        return self._writers[0].alive(latest)

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest of all."""
        return self._writers[0].broken(failure)

    def whole(self, answer: Answer) -> bytes:
        """All of them in one body."""
        assert isinstance(answer, Answers)
        choices = [writer.choice(one) for writer, one in zip(self._writers, answer.choices, strict=True)]
        thought = sum(one.parts.thought for one in answer.choices)
        return self._writers[0].body(answer, choices, thought)

    def _event(self, event: wire.AnyEvent) -> bytes:
        if isinstance(event, wire.Started):  # one name for all of them
            return b"".join(writer.events([event]) for writer in self._writers)
        number: int = event.id  # type: ignore[union-attr]
        writer = self._writers[number]
        if not isinstance(event, wire.Done):
            return writer.events([event])
        self._usages[number] = event.usage
        end = writer.ended(event)
        if len(self._usages) == len(self._writers):
            usages = [usage for _, usage in sorted(self._usages.items())]
            thought = sum(one.thought for one in self._writers)
            end += writer.closing(total(usages, self._per_prompt), thought)
        return end


def one_or_several(
    begins: Sequence[Begin], writers: Sequence[Choice], per_prompt: int, *, stream: bool
) -> Asked:
    """The question for these answers; one alone is asked as it is."""
    if len(begins) == 1:
        return Asked(begins[0], stream, writers[0])
    return Asked(side_by_side(begins, per_prompt), stream, Choices(writers, per_prompt), per_prompt)


def seed_of(seed: int | None, number: int) -> int | None:
    """The seed for this answer to a prompt: with the same, all would be the same."""
    return None if seed is None else seed + number


def number_of(n: int | None, prompts: int = 1) -> int:
    """How many answers each prompt gets. Raises `BodyError`: too many."""
    wanted = 1 if n is None else n
    if wanted < 1:
        raise BodyError("there is at least one answer", "n")
    if wanted * prompts > MOST:
        raise BodyError(
            f"one request has at most {MOST} answers", "n" if wanted > 1 else "prompt", "ask again"
        )
    return wanted
