"""A model here that doubts its answer: somebody else of the plan is asked beside it, and answers instead.

What the doubted answer has shown stays, what was held back of it is shown if nobody else answers. Part of the
router's reactor: synchronous, like everything there."""

from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.jobs import Answered
from ai_pal.server.ports import Clock, Observe
from ai_pal.server.router.attempts import CANCELLED, Attempts
from ai_pal.server.router.cascade.hold import NEVER, PATIENCE, SLOWEST, Hold
from ai_pal.server.router.cascade.kinds import is_doubtable, prompted
from ai_pal.server.router.cascade.watch import Verdict, Watch
from ai_pal.server.router.notifier import RouteNotifier
from ai_pal.server.router.policy import fallback_chain
from ai_pal.server.router.policy.candidate import LOCAL
from ai_pal.server.router.policy.fallback_chain import Ask
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.ports import DoubtMemory, RouterPolicy
from ai_pal.server.router.request import Attempt, RoutedRequest
from ai_pal.store.doubts import Kind, key_of


class Moves(Protocol):
    """Who carries out what is decided: the router."""

    def ask(self, request: RoutedRequest, move: Ask) -> None:
        """Ask somebody."""

    def answered(self, attempt: Attempt, result: Answered) -> None:
        """It has given a whole answer."""

    def look_at(self, request: RoutedRequest, when: float) -> None:
        """Look at the request again, then."""


MOST_ANSWERS = 256
"""Answers of which it is remembered what an opinion would be about."""


class Escalation:
    """See the module. `policy` holds now."""

    def __init__(
        self,
        *,
        moves: Moves,
        attempts: Attempts,
        notifier: RouteNotifier,
        memory: DoubtMemory,
        health: ProviderHealth,
        clock: Clock,
        observe: Observe,
        policy: RouterPolicy,
    ) -> None:
        self._moves, self._attempts, self._notifier = moves, attempts, notifier
        self._memory, self._health, self._clock = memory, health, clock
        self._observe, self.policy = observe, policy
        self._answers: dict[tuple[bytes, int], tuple[str, Kind]] = {}

    def watch(self, attempt: Attempt) -> bool:
        """Have an attempt watched, if its model can doubt and its doubt would change anything."""
        request, candidate = attempt.request, attempt.candidate
        self._remember(attempt)
        if request.escalate == "off" or candidate.tier != LOCAL or request.draft is not None:
            return False
        chat = request.chat
        if candidate.resolved is None or chat.continuation or not is_doubtable(chat.options):
            return False
        model = self._memory.known(key_of(candidate.resolved))
        if model is None or not model.can_doubt:
            attempt.blind = chat.escalate in ("ask", "auto")  # who has said so for this one hears why not
            return False
        kind, attempt.probe = prompted(chat.messages[-1].text, chat.task)
        limited = chat.options.max_tokens is not None
        share = self.policy.share_of(model.seen(kind))
        watch = attempt.watch = Watch(model, kind, request.escalate, share, limited=limited)
        holds = watch.looks_soon and fallback_chain.stronger(request.chain) is not None
        attempt.hold = Hold(holds=holds and not 0.0 < model.pace < SLOWEST)
        return True

    def rate(self, client: bytes, request_id: int, good: bool) -> bool:
        """Somebody says whether an answer of this machine was good. False: it was none, nothing is known of
        its model, or nothing is to be learned."""
        key, kind = self._answers.pop((client, request_id), ("", None))
        model = self._memory.known(key) if self.policy.learn and kind is not None else None
        if model is None or kind is None:
            return False
        seen = model.seen(kind)
        seen.good, seen.bad = seen.good + good, seen.bad + (not good)
        self._memory.learned()
        return True

    def _remember(self, attempt: Attempt) -> None:
        """An opinion of the answer is one of whoever gives it."""
        chat, candidate = attempt.request.chat, attempt.candidate
        self._answers.pop((attempt.request.client, chat.id), None)
        if not self.policy.learn or candidate.tier != LOCAL or candidate.resolved is None:
            return
        kind = prompted(chat.messages[-1].text, chat.task).kind
        self._answers[attempt.request.client, chat.id] = key_of(candidate.resolved), kind
        if len(self._answers) > MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]

    # -- what an answer tells ------------------------------------------------------------------

    def held(self, attempt: Attempt, now: float) -> None:
        """A piece of it was held back."""
        hold = attempt.hold
        if hold is None or hold.over:
            return
        attempt.moved_at = now
        if hold.is_due(now):
            self.due(attempt)
        elif len(hold) == 1 and hold.ends_at is not None:
            self._moves.look_at(attempt.request, hold.ends_at)

    def due(self, attempt: Attempt) -> None:
        """What is held back of it has waited for long enough: it is shown. Where a second answer would run
        into it, nobody else gives one from then on."""
        request, other = attempt.request, attempt.request.attempt
        if attempt is not request.draft or other is None:
            attempt.let_go()
            return
        if may_have_two_answers(request.chat):
            self._goes_on(attempt)
            return
        self._call_off(other)
        late = Failure(Code.FIRST_TOKEN_TIMEOUT, f"nothing came for {PATIENCE:g} s", retryable=True)
        request.failed += ((other.candidate, late),)
        self.resume(request)

    def judged(self, attempt: Attempt, verdict: Verdict | None) -> None:
        """A look at it was taken before its end."""
        request, watch = attempt.request, attempt.watch
        if watch is None or attempt is not request.attempt:
            return
        request.doubt = watch.doubt
        if verdict is None or not self._escalates(attempt, verdict):
            request.verdict = verdict or request.verdict
            if not watch.looks_soon:
                attempt.let_go()

    def may_end(self, attempt: Attempt, result: Answered) -> bool:
        """It is whole: whether that ends the request. False: somebody else is asked, or is being asked."""
        request, watch = attempt.request, attempt.watch
        if watch is None:
            return True
        if attempt is request.draft:
            attempt.result = result
            return False
        if not watch.settled:
            verdict = watch.ended(result.doubt)
            request.doubt = watch.doubt if request.doubt is None or verdict else request.doubt
            if verdict is not None and self._escalates(attempt, verdict, result):
                return False
            request.verdict = verdict or request.verdict
            self._settle(watch, doubted=request.verdict is not None, result=result)
        attempt.let_go()
        self._tell(request, attempt)
        return True

    def _escalates(self, attempt: Attempt, verdict: Verdict, result: Answered | None = None) -> bool:
        """Ask the next of the plan who may know better, if that is wanted and there is one. All of them may
        refuse before this returns. With a `result` the doubted answer is whole."""
        request, watch, now = attempt.request, attempt.watch, self._clock.now()
        if watch is None or watch.mode != "auto" or watch.settled:
            return False
        shown = attempt.shown
        if shown and not may_have_two_answers(request.chat):
            return False
        found = fallback_chain.stronger(request.chain)
        if found is None:
            return False
        request.chain, move = found
        request.draft, attempt.result = attempt, result
        request.failed += ((attempt.candidate, Failure(Code.UNSURE, verdict.words)),)
        if not shown and attempt.hold is not None:
            attempt.hold.keep(now + PATIENCE)
            self._moves.look_at(request, now + PATIENCE)
        self._settle(watch, doubted=True, result=result)
        self._observe(
            "answer_doubted",
            model=attempt.candidate.name,
            doubt=round(verdict.doubt, 3),
            kind=watch.kind,
            asked=move.step.candidate.name,
        )
        self._moves.ask(request, move)
        return True

    def _settle(self, watch: Watch, *, doubted: bool, result: Answered | None) -> None:
        timings = result.timings if result is not None else None
        watch.settle(doubted=doubted, pace=0.0 if timings is None else timings.tokens_per_second)
        self._memory.learned()

    # -- what somebody else's answer tells -----------------------------------------------------

    def begins(self, attempt: Attempt) -> None:
        """The first piece of an attempt follows whatever the client has heard; behind a doubted answer that
        was shown, after a seam."""
        request, draft = attempt.request, attempt.request.draft
        if attempt is draft:
            return
        if request.broke_off or (draft is not None and draft.shown):
            self._notifier.other_answer(request, attempt.candidate)
            request.broke_off = False
        if draft is not None:
            draft.step_aside()
            if draft.hold is not None:
                draft.hold.keep(NEVER)
        attempt.base, attempt.base_index = request.next_seq, request.next_index

    def commits(self, attempt: Attempt) -> None:
        """The first content of it: the doubted answer is over."""
        request, draft = attempt.request, attempt.request.draft
        if draft is None or attempt is draft:
            return
        request.draft = None
        if draft.hold is not None:
            draft.hold.drop()
        self._close(draft, Code.UNSURE)

    def lost(self, draft: Attempt, failure: Failure) -> None:
        """The doubted answer broke off while somebody else was being asked."""
        request = draft.request
        if draft.shown:
            request.chain = fallback_chain.content(request.chain)
            other = request.attempt
            request.broke_off = other is None or other.begun_at is None
        request.draft = None
        known = (*request.chain.failures, failure)
        request.chain = msgspec.structs.replace(request.chain, failures=known)
        self._close(draft, failure.code)

    def other_failed(self, request: RoutedRequest) -> None:
        """Whoever was asked beside a doubted answer has failed. If he had begun, that is kept for the next as
        long as it was for him."""
        hold = request.draft.hold if request.draft is not None else None
        if hold is None or hold.over or hold.ends_at != NEVER:
            return
        until = self._clock.now() + PATIENCE
        hold.keep(until)
        self._moves.look_at(request, until)

    def resume(self, request: RoutedRequest) -> None:
        """Nobody else answers: the doubted answer goes on, or ends if it is whole."""
        draft = request.draft
        assert draft is not None
        self._notifier.nobody_else(request)
        self._back(request, draft)
        if draft.result is not None:
            self._moves.answered(draft, draft.result)

    def give_back(self, request: RoutedRequest) -> None:
        """The request is to end while somebody else was being asked: what there is of the doubted answer is
        all there will be."""
        draft = request.draft
        if draft is not None:
            other = request.attempt
            if other is not None and other is not draft and not other.over:
                self._call_off(other)
            self._back(request, draft)

    def _back(self, request: RoutedRequest, draft: Attempt) -> None:
        request.attempt, request.draft = draft, None
        request.tell_at = None
        self._remember(draft)
        self._goes_on(draft)
        if draft.shown:
            request.chain = fallback_chain.content(request.chain)

    def _goes_on(self, draft: Attempt) -> None:
        """What was held of it follows whatever the client has heard, under its own name."""
        draft.go_on()
        if draft.begun_at is not None and draft.request.told is not draft:
            self._notifier.started(draft)
        draft.let_go()

    def _call_off(self, other: Attempt) -> None:
        """Whoever was asked beside a doubted answer is not waited for any more."""
        self._health.released(other.candidate)
        self._close(other, CANCELLED)

    def _close(self, attempt: Attempt, outcome: str) -> None:
        self._attempts.stop(attempt)
        self._attempts.close(attempt, outcome)

    # -- what is told --------------------------------------------------------------------------

    def _tell(self, request: RoutedRequest, attempt: Attempt) -> None:
        if request.verdict is None:
            return
        other = fallback_chain.stronger(request.chain)
        able = other[1].step.candidate if other is not None else None
        self._notifier.unsure(request, attempt.candidate, able)
        request.verdict = None


def may_have_two_answers(chat: wire.Chat) -> bool:
    """Whether a second answer may stand behind one that was shown: not where both together have a form, nor
    where nobody would see that there are two."""
    return chat.seams and chat.options.response_format is None
