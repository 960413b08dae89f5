"""The batch: every answer that is being computed, stepped together on the one thread that owns the model."""

import threading
import time
from collections import deque
from typing import Any

import torch

from ai_pal.errors import Code, Failure
from ai_pal.protocol.usage import Usage
from workers.engines.base import Sink
from workers.engines.transformers.answer import Generation, Prompt
from workers.engines.transformers.defaults import read_defaults
from workers.engines.transformers.loading import LoadedModel
from workers.engines.transformers.prefix import PrefixCache
from workers.engines.transformers.sampling import UNUSABLE, Sampler, likeliest, probabilities
from workers.engines.transformers.schedule import Pace, Waiting, plan
from workers.kv_budget import KvBudget
from workers.log import cause, log
from workers.spin_throttle import SpinThrottle

NOT_A_NUMBER = Failure(
    Code.ENGINE_ERROR,
    "the model computed no usable number for its next token",
    UNUSABLE,
)


class Batch:
    """`submit`, `cancel` and `close` may be called from any thread; all else happens in `run`."""

    def __init__(
        self,
        loaded: LoadedModel,
        stepper: Any,
        context: int,
        cache_bytes: int,
        pace: Pace,
        sink: Sink,
        throttle: SpinThrottle | None = None,
    ) -> None:
        self._loaded, self._stepper, self._sink = loaded, stepper, sink
        self._context, self._pace, self._throttle = context, pace, throttle
        self._kv_budget = KvBudget(context)
        self._kept: PrefixCache[Any] = PrefixCache()
        self._defaults = read_defaults(loaded.model.generation_config)
        self._end_places = torch.tensor(sorted(loaded.ends), device=loaded.model.device)
        self._largest: int = context * stepper.token_bytes + cache_bytes
        self._answers: list[Generation] = []
        self._waiting: list[Prompt] = []
        self._changed = threading.Condition()
        self._arrived: deque[Prompt] = deque()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self._closed = False

    # From any thread.

    def open(self, key: int) -> None:
        """A prompt with this key is on its way: it may be cancelled from now on."""
        with self._changed:
            self._open.add(key)

    def forget(self, key: int) -> None:
        """It will not come, or has ended."""
        with self._changed:
            self._open.discard(key)
            self._cancelled.discard(key)

    def submit(self, prompt: Prompt) -> None:
        with self._changed:
            self._arrived.append(prompt)
            self._changed.notify()

    def cancel(self, key: int) -> None:
        with self._changed:
            if key in self._open:
                self._cancelled.add(key)
                self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    # The engine's own thread.

    def run(self) -> None:
        """Serve until closed."""
        while self._wait():
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever is raised
                for answer in list(self._answers):
                    self._fail(answer, error)

    def _round(self) -> None:
        self._drop_cancelled()
        self._admit()
        if self._answers:
            self._step(self._answers)
            self._finish()

    def _wait(self) -> bool:
        """Take over what has changed, waiting for it when there is nothing to compute."""
        with self._changed:
            if not self._has_work():
                self._tell_throttle(False)
                while not self._has_work():
                    self._changed.wait()
                self._tell_throttle(True)
            self._waiting += self._arrived
            self._arrived.clear()
            return not self._closed

    def _has_work(self) -> bool:
        return bool(self._closed or self._arrived or self._answers or self._waiting)

    def _tell_throttle(self, working: bool) -> None:
        if self._throttle is not None:
            self._throttle.working(working)

    def _drop_cancelled(self) -> None:
        with self._changed:
            cancelled = set(self._cancelled)
        for prompt in [one for one in self._waiting if one.key in cancelled]:
            self._waiting.remove(prompt)
            self._kv_budget.leave(prompt.key)
            self.forget(prompt.key)
            self._sink.cancelled(prompt.key, Usage(len(prompt.tokens)))
        for answer in [one for one in self._answers if one.key in cancelled]:
            self._leave(answer)
            self._sink.cancelled(answer.key, answer.usage)

    def _admit(self) -> None:
        for prompt in list(self._waiting):
            if self._kv_budget.admit(prompt.key, len(prompt.tokens) + prompt.room):
                self._waiting.remove(prompt)
                self._try_to_begin(prompt)

    def _try_to_begin(self, prompt: Prompt) -> None:
        try:
            self._answers.append(self._begin(prompt))
        except Exception as error:  # noqa: BLE001 - who waits for an answer hears of it
            log("error", "an answer could not begin", key=prompt.key, reason=cause(error))
            self._kv_budget.leave(prompt.key)
            self.forget(prompt.key)
            self._sink.failed(prompt.key, _broken(error))

    def _begin(self, prompt: Prompt) -> Generation:
        room = min(len(prompt.tokens) + prompt.room, self._context)
        coming = room * self._stepper.token_bytes
        row = None
        if not prompt.inputs:  # other pictures have the same tokens
            busy = [one.row for one in self._answers if not one.prompt.inputs]
            row = self._kept.take(prompt.tokens, self._left_to_keep() - coming, busy)
        if row is None:
            row = self._stepper.row(room)
        if prompt.inputs:
            row.inputs = dict(prompt.inputs)
        row.fit(room)
        sampler = Sampler(prompt.sampling, self._defaults)
        answer = Generation(prompt, row, sampler, self._loaded.ends, self._sink)
        answer.tell_read()
        return answer

    def _step(self, answers: list[Generation]) -> None:
        """One forward for all; when it fails, each alone, so that only the guilty one ends."""
        writing = sum(not one.left for one in answers)
        counts = plan([Waiting(one.left) for one in answers], self._pace.chunk(writing))
        counts = [
            one.left if one.left and one.prompt.inputs else count  # pictures are computed with their prompt
            for one, count in zip(answers, counts, strict=True)
        ]
        parts = [(one, one.todo[:count]) for one, count in zip(answers, counts, strict=True) if count]
        begun = time.monotonic()
        try:
            logits = self._stepper.step([(one.row, tokens) for one, tokens in parts])
            best = likeliest(logits)
        except (RuntimeError, MemoryError, ValueError, IndexError) as error:
            if len(answers) > 1 and self._stepper.can_retry:
                for one in list(answers):
                    self._step([one])
            else:
                for one in list(answers):
                    self._fail(one, error)
            return
        self._sink.step()
        prompts = sum(len(tokens) for one, tokens in parts if one.left)
        self._pace.learn(prompts, time.monotonic() - begun)
        for index, (one, tokens) in enumerate(parts):
            one.todo = one.todo[len(tokens) :]
            if one.todo:
                one.tell_read()
            else:
                self._choose(one, best[index], logits[index])

    def _choose(self, answer: Generation, best: int | None, logits: Any) -> None:
        if best is None:
            self._leave(answer, keep=False)
            self._sink.failed(answer.key, NOT_A_NUMBER)
            return
        held = len(answer.row.tokens)
        try:
            if answer.guide is None and answer.sampler.plain:
                token = best
            else:
                token = self._choose_with_care(answer, logits)
            if answer.prompt.sampling.logprobs is not None:
                answer.tell_probable(token, probabilities(logits, token, answer.prompt.sampling.logprobs))
            has_room = held + 1 < self._context and self._kv_budget.grow(answer.key, held + 1)
            answer.take(token, has_room)
        except (RuntimeError, ValueError, IndexError) as error:
            self._fail(answer, error)

    def _choose_with_care(self, answer: Generation, logits: Any) -> int:
        """By the answer's own sampling, within what its guide allows."""
        guide, begin = answer.guide, len(answer.prompt.tokens)
        if guide is not None:
            forced = guide.next_forced()
            if forced is not None:
                return forced
            if guide.is_bound and guide.grammar is not None:
                logits = guide.grammar.forbid(logits)
            elif guide.grammar is not None:  # it cannot end before what it is bound to has come
                logits = logits.index_fill(0, self._end_places, float("-inf"))
        return int(answer.sampler.choose(logits, answer.row.tokens, begin))

    def _finish(self) -> None:
        for answer in [one for one in self._answers if one.finish_reason]:
            self._leave(answer)
            answer.end()

    def _fail(self, answer: Generation, error: Exception) -> None:
        log("error", "a step failed", key=answer.key, reason=cause(error))
        self._leave(answer, keep=False)
        self._sink.failed(answer.key, _broken(error))

    def _leave(self, answer: Generation, keep: bool = True) -> None:
        self._answers.remove(answer)
        self._kv_budget.leave(answer.key)
        self.forget(answer.key)
        if keep and not answer.prompt.inputs:
            self._kept.keep(answer.row)
        self._kept.shrink(self._left_to_keep())

    def _left_to_keep(self) -> int:
        """All keys and values together stay below what one full window and the prompt cache take."""
        token = self._stepper.token_bytes
        taken: int = sum(
            max(self._kv_budget.promised(one.key) * token, one.row.nbytes) for one in self._answers
        )
        return self._largest - taken


def _broken(error: Exception) -> Failure:
    return Failure(Code.ENGINE_ERROR, f"the model failed on this request: {error}", retryable=True)
