"""Several answers at once, as one: asked side by side, their events in one stream."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking
from ai_pal.gateway.asking.asked import Begin, Coming
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage

MOST = 128
"""Answers to one request, as OpenAI has it."""

AT_ONCE = 8
"""Of them under way together."""

WAITING = 4
"""Batches of each answer that wait to be read."""

Batch = list[wire.AnyEvent]


class Answers(Answer):
    """The first of several, with what all of them took; `choices` are all of them."""

    choices: list[Answer] = msgspec.field(default_factory=list)


def side_by_side(begins: Sequence[Begin], per_prompt: int) -> Begin:
    """All of these as one; each prompt has so many answers, one after the other."""

    def begin(client: AsyncClient, said: Asking) -> Several:
        return Several([partial(one, client, said) for one in begins], per_prompt)

    return begin


def total(usages: Sequence[Usage], per_prompt: int) -> Usage:
    """What all of them took: a prompt that was asked several times counts once."""
    prompts = usages[::per_prompt]
    return Usage(
        sum(usage.prompt_tokens for usage in prompts),
        sum(usage.cached_tokens for usage in prompts),
        sum(usage.completion_tokens for usage in usages),
        sum(usage.guessed_tokens for usage in usages),
        sum(usage.right_tokens for usage in usages),
    )


class Several:
    """Answers, `AT_ONCE` under way together: one begins where another has ended. The `id` of an event is the
    number of its answer. The first that fails ends all."""

    def __init__(self, begins: Sequence[Callable[[], Coming]], per_prompt: int) -> None:
        self._coming: list[Coming] = []
        self._per_prompt, self._count = per_prompt, len(begins)
        self._left = len(begins)
        self._failure: Exception | None = None
        self._called_off = False
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting: asyncio.Queue[Batch | Exception] = asyncio.Queue(WAITING * AT_ONCE)
        self._tasks = [asyncio.create_task(self._read(*pair)) for pair in enumerate(begins)]

    @property
    def over(self) -> bool:
        """Whether the last event has been read."""
        return not self._left

    async def batch(self) -> Batch:
        """All that has come since it was read last: nothing only where somebody has called `nudge`. Raises
        what any of them raises."""
        found = [] if self._failure else self._up_to_the_end(await self._waiting.get())
        while self._left and not self._failure and not self._waiting.empty():
            found += self._up_to_the_end(self._waiting.get_nowait())
        if self._failure and not found:  # else it fails at the next call
            self._left = 0
            raise self._failure
        return found

    def nudge(self) -> None:
        """Wake who waits for a batch; where one waits to be read, it is awake."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait([])

    def cancel(self) -> None:
        """Have all of them stopped, and no other begun."""
        self._called_off = True
        for one in self._coming:
            one.cancel()

    async def aclose(self) -> None:
        """Stop them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self._coming:
            await one.aclose()

    async def answer(self) -> Answers:
        """Wait for all of them. Raises `AiPalError`: one has failed."""
        answers = [Answer() for _ in range(self._count)]
        while not self.over:
            for event in await self.batch():
                answers[event.id].take(event)  # type: ignore[union-attr]
        costs = [one.cost for one in answers]
        whole = Answers(**msgspec.structs.asdict(answers[0]), choices=answers)
        whole.cost = None if None in costs else sum(cost or 0.0 for cost in costs)
        whole.usage = total([one.usage for one in answers], self._per_prompt)
        return whole

    async def _read(self, number: int, begin: Callable[[], Coming]) -> None:
        try:
            async with self._free:
                if self._called_off:
                    await self._waiting.put([wire.Cancelled(number)])
                    return
                one = begin()
                self._coming.append(one)
                while not one.over:
                    events = await one.batch()
                    await self._waiting.put([msgspec.structs.replace(event, id=number) for event in events])
        except Exception as error:  # noqa: BLE001 - told to who reads
            await self._waiting.put(error)

    def _up_to_the_end(self, batch: Batch | Exception) -> Batch:
        if isinstance(batch, Exception):
            self._failure = batch
            return []
        for place, event in enumerate(batch):
            if isinstance(event, wire.Done):
                self._left -= 1
            elif isinstance(event, wire.TERMINAL):
                self._left = 0
                return batch[: place + 1]
        return batch
