"""The batch: every answer that is being computed, stepped together on the one thread that owns the model."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from ai_pal.errors import Code, Failure
from ai_pal.protocol.usage import Usage
from workers.engines.base import Sink
from workers.engines.transformers.batch.answer import Generation, Prompt
from workers.engines.transformers.batch.inbox import Inbox
from workers.engines.transformers.batch.schedule import Pace, Waiting, plan
from workers.engines.transformers.batch.scoring import behind, most_at_once, score, width
from workers.engines.transformers.decoding.lookup import Lookup
from workers.engines.transformers.decoding.prefix import PrefixCache
from workers.engines.transformers.decoding.sampling import (
    UNUSABLE,
    Sampler,
    Seen,
    likeliest,
    probabilities,
    seen,
)
from workers.engines.transformers.loading.defaults import read_defaults
from workers.engines.transformers.loading.loading import LoadedModel
from workers.engines.uncertainty import LIKELIEST, entropy_among
from workers.kv_budget import KvBudget
from workers.log import cause, log
from workers.spin_throttle import SpinThrottle

NOT_A_NUMBER = Failure(
    Code.ENGINE_ERROR,
    "the model computed no usable number for its next token",
    UNUSABLE,
)


class Batch:
    """All of it happens in `run`. `_untold` are the keys that it has taken over from its inbox, and has not
    told the end of."""

    def __init__(
        self,
        inbox: Inbox[Prompt],
        loaded: LoadedModel,
        stepper: Any,
        context: int,
        cache_bytes: int,
        pace: Pace,
        sink: Sink,
        throttle: SpinThrottle | None = None,
        guesses: bool = False,
    ) -> None:
        self._inbox, self._loaded, self._stepper, self._sink = inbox, loaded, stepper, sink
        self._context, self._pace, self._throttle = context, pace, throttle
        self._guesses = guesses
        self._kv_budget = KvBudget(context)
        self._kept: PrefixCache[Any] = PrefixCache()
        self._defaults = read_defaults(loaded.model.generation_config)
        self._end_places = torch.tensor(sorted(loaded.ends), device=loaded.model.device)
        self._largest: int = context * stepper.token_bytes + cache_bytes
        self._answers: list[Generation] = []
        self._waiting: list[Prompt] = []
        self._untold: set[int] = set()

    def rows(self) -> list[Any]:
        """All rows, the latest first, when `run` has ended."""
        return [one.row for one in self._answers if not one.prompt.inputs] + self._kept.latest

    def run(self) -> None:
        """Serve until closed."""
        raised: Exception | None = None
        while raised is None or not self._inbox.closed:
            try:
                if raised is not None:
                    self._recover(raised)
                    raised = None
                elif not self._wait():
                    return
                else:
                    self._round()
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever is raised
                raised = raised or error

    def _recover(self, error: Exception) -> None:
        """After what was raised anywhere: those that were being computed fail, and those that were lost on
        the way; those that wait go on waiting, with nothing promised to them."""
        for answer in list(self._answers):
            self._fail(answer, error)
        coming = {prompt.key for prompt in self._waiting} | self._inbox.coming
        for prompt in self._waiting:
            self._kv_budget.leave(prompt.key)
        for key in self._untold - coming:
            self._kv_budget.leave(key)
            self._told_failed(key, error)

    def _round(self) -> None:
        self._drop_cancelled()
        self._admit()
        if self._answers:
            self._step(self._answers)
            self._finish()

    def _wait(self) -> bool:
        """Take over what has changed, waiting for it when there is nothing to compute."""
        if not (self._answers or self._waiting or self._inbox.has_news):
            self._tell_throttle(False)
            self._inbox.wait()
            self._tell_throttle(True)
        while (key := self._inbox.next_key()) is not None:
            self._untold.add(key)
            self._waiting.append(self._inbox.take())
        return not self._inbox.closed

    def _tell_throttle(self, working: bool) -> None:
        if self._throttle is not None:
            self._throttle.working(working)

    def _drop_cancelled(self) -> None:
        cancelled = self._inbox.cancelled()
        for prompt in [one for one in self._waiting if one.key in cancelled]:
            self._waiting.remove(prompt)
            self._kv_budget.leave(prompt.key)
            self._inbox.forget(prompt.key)
            self._sink.cancelled(prompt.key, Usage(len(prompt.tokens)))
            self._untold.discard(prompt.key)
        for answer in [one for one in self._answers if one.key in cancelled]:
            self._leave(answer)
            self._sink.cancelled(answer.key, answer.usage)
            self._untold.discard(answer.key)

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
            self._told_failed(prompt.key, error)

    def _begin(self, prompt: Prompt) -> Generation:
        room = min(len(prompt.tokens) + prompt.room, self._context)
        coming = room * self._stepper.token_bytes
        row = None
        if prompt.saved is not None:
            self._kept.keep(prompt.saved.copy(len(prompt.saved.tokens)))  # of a file to memory
        if not prompt.inputs and not prompt.scored:  # other pictures have the same tokens
            busy = [one.row for one in self._answers if not one.prompt.inputs]
            row = self._kept.take(prompt.tokens, self._left_to_keep() - coming, busy)
        if row is None:
            row = self._stepper.row(room)
        row.mark = prompt.mark
        if prompt.inputs:
            row.inputs = dict(prompt.inputs)
        row.fit(room)
        sampler = Sampler(prompt.sampling, self._defaults)
        lookup = Lookup(prompt.tokens) if self._guesses else None
        answer = Generation(prompt, row, sampler, self._loaded.ends, self._sink, lookup)
        if not self._stepper.can_guess or len(prompt.tokens) + len(answer.hidden) > self._context:
            answer.hidden = []
        answer.tell_read()
        return answer

    def _step(self, answers: list[Generation]) -> None:
        """One forward for all; when it fails, each alone, so that only the guilty one ends."""
        writing = sum(not one.left for one in answers)
        counts = plan([Waiting(one.left) for one in answers], self._pace.chunk(writing))
        counts = [
            one.left if one.left and one.prompt.inputs else min(count, most_at_once(one))
            for one, count in zip(answers, counts, strict=True)
        ]
        parts = [(one, one.todo[:count]) for one, count in zip(answers, counts, strict=True) if count]
        begun = time.monotonic()
        try:
            logits = self._computed(parts)
            best = likeliest(logits)
            numbers = seen(logits) if any(one.prompt.watch for one in answers) else []
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
        self._pace.learn(prompts, time.monotonic() - begun, writing)
        at = 0
        for one, tokens in parts:
            end = at + width(one, tokens)
            if one.left and one.prompt.scored:
                score(one, tokens, logits[at:end])
            first = end - 1 - len(behind(one, tokens))
            if one.hidden and one.left == len(tokens):
                self._look_behind(one, logits[end - 1])
            one.todo = one.todo[len(tokens) :]
            if one.todo:
                one.tell_read()
            else:
                self._take(one, best[first:end], logits[first:end], numbers[first:end])
            at = end

    def _computed(self, parts: list[tuple[Generation, list[int]]]) -> Any:
        """The logits behind the last token of each part, behind each guess, and behind each token that is
        scored."""
        work = [(one.row, tokens + behind(one, tokens)) for one, tokens in parts]
        widths = [width(one, tokens) for one, tokens in parts]
        return self._stepper.step(work) if max(widths) == 1 else self._stepper.step(work, widths)

    def _look_behind(self, answer: Generation, logits: Any) -> None:
        """The probe has been computed behind the prompt: look at it, and throw it away."""
        answer.row.cut(len(answer.row.tokens) - len(answer.hidden))
        likely = probabilities(logits, 0, 2 * LIKELIEST)
        texts = map(answer.prompt.decode, ([token] for token in likely.tokens))
        tokens = list(zip(texts, likely.logprobs, strict=True))
        answer.tell_probed(entropy_among(tokens, answer.prompt.among))

    def _take(self, answer: Generation, best: list[int | None], logits: Any, numbers: Sequence[Seen]) -> None:
        """Choose the next token, and more while they are what was guessed: what is behind a wrong guess was
        computed for nothing. Each is chosen as it would be alone."""
        guesses, row, right = answer.guesses, answer.row, 0
        if guesses:
            row.cut(len(row.tokens) - len(guesses))
        for place, guess in enumerate([*guesses, None]):
            self._choose(answer, best[place], logits[place], numbers[place] if numbers else None)
            if answer.todo != [guess] or answer.finish_reason or answer not in self._answers:
                break
            right += 1
            row.tokens.append(guess)  # its keys and values are there
        answer.checked(right)
        if self._guesses and not answer.finish_reason and answer in self._answers:
            held, most = len(row.tokens) + 1, answer.prompt.sampling.max_tokens or self._context
            room = min(self._context, self._kv_budget.promised(answer.key)) - held
            answer.guess(min(room, most - answer.usage.completion_tokens) - 1)

    def _choose(self, answer: Generation, best: int | None, logits: Any, numbers: Seen | None) -> None:
        if best is None:
            self._leave(answer, keep=False)
            self._sink.failed(answer.key, NOT_A_NUMBER)
            self._untold.discard(answer.key)
            return
        held = len(answer.row.tokens)
        try:
            if answer.guide is None and answer.sampler.plain:
                token = best
            else:
                token = self._choose_with_care(answer, logits)
            if answer.prompt.sampling.logprobs is not None:
                answer.tell_probable(token, probabilities(logits, token, answer.prompt.sampling.logprobs))
            if numbers is not None and answer.prompt.watch:
                answer.tell_seen(token, numbers, float(logits[token]))
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
            try:
                answer.end()
            except Exception as error:  # noqa: BLE001 - the others go on
                log("error", "an answer could not end", key=answer.key, reason=cause(error))
                self._told_failed(answer.key, error)
            self._untold.discard(answer.key)

    def _fail(self, answer: Generation, error: Exception) -> None:
        log("error", "a step failed", key=answer.key, reason=cause(error))
        self._leave(answer, keep=False)
        self._told_failed(answer.key, error)

    def _told_failed(self, key: int, error: Exception) -> None:
        self._inbox.forget(key)
        self._sink.failed(key, _broken(error))
        self._untold.discard(key)

    def _leave(self, answer: Generation, keep: bool = True) -> None:
        self._answers.remove(answer)
        self._kv_budget.leave(answer.key)
        self._inbox.forget(answer.key)
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
