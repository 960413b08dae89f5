"""Room in the cache for each request of a model, and another try for one that lost its own to others."""

import math
import threading
from collections.abc import Callable
from typing import Any

from ai_pal.errors import AiPalError, Code, Failure
from workers.engines.llamacpp.answer import Generation
from workers.engines.llamacpp.failures import is_crowded_out
from workers.kv_budget import KvBudget, OwnWindows
from workers.log import cause, log


class Room:
    """`changed` guards the `budget`, and is notified when somebody leaves or is cancelled. A request holds
    `window` tokens at most, and its answer ends with `most`."""

    def __init__(
        self,
        changed: threading.Condition,
        budget: KvBudget | OwnWindows,
        window: int,
        most: float = math.inf,
    ) -> None:
        self.budget = budget
        self._changed, self._window, self._most = changed, window, most

    def admitted(self, answer: Generation, exactly: Callable[[], int], bound: int, room: int) -> bool:
        """Wait for room among the other requests; False when cancelled meanwhile."""
        with self._changed:
            if self.budget.admit(answer.key, bound + room):
                return True
        need = exactly() + room
        with self._changed:
            self._changed.wait_for(lambda: answer.cancelled or self.budget.admit(answer.key, need))
            return not answer.cancelled

    def leave(self, key: int) -> None:
        """What it had is free."""
        with self._changed:
            self.budget.leave(key)
            self._changed.notify_all()

    def ask(self, ask: Callable[..., Any], body: dict[str, Any], answer: Generation) -> None:
        """llama.cpp writes on while its chunks wait to be heard, so that together they can come to have more
        than was promised. It ends all that runs then: what had begun to answer has come to its end, and what
        had not is asked for again."""
        ask(body, lambda chunk: self._chunk(answer, chunk))
        if is_crowded_out(answer.failure) and not answer.tokens:
            answer.failure = None
            if self._alone(answer):
                ask(body, lambda chunk: self._chunk(answer, chunk))
        if is_crowded_out(answer.failure) and answer.tokens:
            answer.failure, answer.stopped = None, True

    def twice(self, answer: Generation, work: Callable[[], None]) -> bool:
        """Do what tells nothing before its end, and do it anew, alone, where it was crowded out; False when
        cancelled before that. Raises what it raises."""
        try:
            work()
        except AiPalError as error:
            if not is_crowded_out(error.failure):
                raise
            if not self._alone(answer):
                return False
            work()
        return True

    def _alone(self, answer: Generation) -> bool:
        """Give back what was promised and wait for the whole window; False when cancelled meanwhile."""
        with self._changed:
            self.leave(answer.key)
            self._changed.wait_for(lambda: answer.cancelled or self.budget.admit(answer.key, self._window))
            return not answer.cancelled

    def _chunk(self, answer: Generation, chunk: dict[str, Any]) -> bool:
        """The engine's callback; True ends the answer."""
        try:
            answer.take(chunk)
            held = answer.prompt_tokens + answer.tokens
            with self._changed:
                answer.stopped = not self.budget.grow(answer.key, held) or held >= self._most
        except Exception as error:  # noqa: BLE001 - raised here, it would be swallowed
            log("error", "a chunk was not understood", request=answer.key, reason=cause(error))
            answer.failure = Failure(Code.ENGINE_ERROR, f"a chunk was not understood: {error!r}")
        return answer.cancelled or answer.stopped or answer.complete or answer.failure is not None
