"""From a request to its plan: how hard it is, who could answer, what may be spent."""

import msgspec

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol import needs
from ai_pal.protocol.options import Ability
from ai_pal.server.router.cascade.kinds import is_doubtable, prompted
from ai_pal.server.router.cascade.share import FEWEST_SEEN, opinion, threshold
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.abilities import is_plain, lacks
from ai_pal.server.router.policy.candidate import LOCAL, UNSEEN, Candidate
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.news import LOOKED_FOR, explained
from ai_pal.server.router.policy.order import expected_seconds, in_words
from ai_pal.server.router.policy.plan import Plan, Step, advised, plan
from ai_pal.server.router.policy.query import ANSWER_TOKENS, Query, kept_in, tokens_in
from ai_pal.server.router.policy.snapshot import everyone, local
from ai_pal.server.router.policy.task import bounded
from ai_pal.server.router.ports import DoubtMemory, Judge, RouterPolicy, Snapshots
from ai_pal.store.doubts import ModelDoubts, Opinion, Seen, key_of

SENSES: frozenset[Ability] = frozenset({"images", "audio"})


class Planned(msgspec.Struct, frozen=True):
    """A plan, and how hard the prompt is; `scored` is None where the user said who is to answer."""

    plan: Plan
    scored: Scored | None


class Planner:
    """Plans with what `health` has learned at the time that it is set to, and as the `policy` of now says."""

    def __init__(
        self,
        snapshots: Snapshots,
        judge: Judge,
        health: ProviderHealth,
        policy: RouterPolicy,
        doubts: DoubtMemory,
    ) -> None:
        self._snapshots, self._judge, self._health, self.policy = snapshots, judge, health, policy
        self._doubts = doubts

    def plan(self, asked: wire.Chat | wire.Route, reserved: float, own: float = 0.0) -> Planned:
        """The plan for a request, while open attempts may still cost `reserved` US dollars, `own` of these
        those of its principal."""
        escalate = asked.escalate or self.policy.escalate
        reference = asked.model or ("" if escalate == "stronger" else self.policy.model)
        scored = None if reference else self._judge(asked.messages)
        left, unaccounted = self._left(reserved)
        only: tuple[str, ...] = ()
        whose = ""
        if isinstance(asked, wire.Chat):
            only = tuple(asked.only)
            if asked.day_budget is not None:
                rest, why = self._left_of(asked.principal, asked.day_budget - own)
                unaccounted = unaccounted or why
                if left is None or rest < left:
                    left, whose = rest, asked.principal
        query = Query(
            score=bounded(scored.score, asked.task) if scored is not None else 0.0,
            goal=asked.goal or self.policy.goal,
            prompt_tokens=tokens_in(asked.messages, asked.options),
            kept_tokens=kept_in(asked.messages, asked.options),
            answer_tokens=min(asked.options.max_tokens or ANSWER_TOKENS, ANSWER_TOKENS),
            local_only=asked.privacy == "local" or self.policy.local_only,
            max_cost=asked.max_cost,
            left=left,
            unaccounted=unaccounted,
            fallback=asked.fallback,
            named=bool(reference),
            only=only,
            mine=asked.privacy == "mine" or self.policy.mine,
            whose=whose,
            stronger=escalate == "stronger",
        )
        candidates = self._candidates(reference, asked, query)
        query = msgspec.structs.replace(
            query,
            doubts=escalate == "auto" and self._can_doubt(asked, candidates),
            opinion=self._opinion(asked, candidates),
        )
        if query.private and not reference and (query.doubts or query.stronger):
            candidates += self._larger(asked)
        made = plan(query, candidates)
        if any(out.failure.code == Code.UNSUPPORTED for out in made.ruled_out):
            others = candidates if made.steps else self._candidates("", asked, query)
            made = advised(made, [*self._seeing(asked, query), *others])
        return Planned(made, scored)

    def _candidates(self, reference: str, asked: wire.Chat | wire.Route, query: Query) -> list[Candidate]:
        """Everyone who could be asked, each with what it lacks."""
        snapshot = self._snapshots.snapshot(reference, asked.options.lora)
        stays = query.private or query.mine
        found = everyone(snapshot, self._snapshots.prices(), self._health, stays=stays)
        plain = is_plain(asked.messages, asked.options)
        return [
            one
            if plain and (one.server is not None or one.abilities is None)
            else msgspec.structs.replace(one, lacks=lacks(one, asked.messages, asked.options))
            for one in found
        ]

    def _can_doubt(self, asked: wire.Chat | wire.Route, candidates: list[Candidate]) -> bool:
        """Whether this machine's model would know that it is not sure."""
        model = doubts_of(candidates, self._doubts) if is_doubtable(asked.options) else None
        return model is not None and model.can_doubt

    def _opinion(self, asked: wire.Chat | wire.Route, candidates: list[Candidate]) -> Opinion:
        """What people hold of answers of this machine's model to such prompts."""
        model = doubts_of(candidates, self._doubts) if self.policy.learn else None
        if model is None:
            return ""
        seen = model.kinds.get(prompted(asked.messages[-1].text, asked.task).kind, Seen())
        return opinion(seen.good, seen.bad)

    def _larger(self, asked: wire.Chat | wire.Route) -> list[Candidate]:
        """Models of this machine that may know better than its own."""
        found = [local(here, self._health, stays=True) for here in self._snapshots.larger()]
        return [
            msgspec.structs.replace(one, larger=True, lacks=lacks(one, asked.messages, asked.options))
            for one in found
        ]

    def _seeing(self, asked: wire.Chat | wire.Route, query: Query) -> list[Candidate]:
        """Other models of this machine, where a picture or a sound is to be understood."""
        if not SENSES.intersection(needs.of_chat(asked.messages, asked.options)):
            return []
        stays = query.private or query.mine
        found = [local(here, self._health, stays=stays) for here in self._snapshots.seeing()]
        return [
            msgspec.structs.replace(one, lacks=lacks(one, asked.messages, asked.options)) for one in found
        ]

    def explain(self, asked: wire.Route, reserved: float) -> wire.Routed:
        """What would be done with a request."""
        planned = self.plan(asked, reserved)
        scored = planned.scored or self._judge(asked.messages)
        query = planned.plan.query
        rows = [
            self._row(step.candidate, query, position, _why(step, query))
            for position, step in enumerate(planned.plan.steps, 1)
        ]
        for out in planned.plan.ruled_out:
            row, failure = self._row(out.candidate, query, 0, ""), explained(out.candidate, out.failure)
            rows.append(msgspec.structs.replace(row, state=wire.RULED_OUT, failure=failure))
        features = [wire.Feature(feature.name, feature.weight) for feature in scored.features]
        score = bounded(scored.score, asked.task)
        return wire.Routed(asked.id, score, query.goal, features, rows, self._cascade(asked, planned.plan))

    def _cascade(self, asked: wire.Route, made: Plan) -> wire.Cascade:
        """What is known of the doubts of this machine's model about such prompts."""
        mode = asked.escalate or self.policy.escalate
        candidates = [step.candidate for step in made.steps]
        model = doubts_of(candidates, self._doubts)
        if model is None or model.calibration is None:
            return wire.Cascade(mode, self.policy.share)
        kind, probe = prompted(asked.messages[-1].text, asked.task)
        known, seen = model.calibration, model.kinds.get(kind, Seen())
        share = self.policy.share_of(seen)
        can = known.can_doubt and is_doubtable(asked.options)
        if probe is not None and len(seen.both) >= FEWEST_SEEN:  # of two numbers there is no one limit
            return wire.Cascade(mode, share, can, known.area, kind, seen=len(seen.both))
        numbers = seen.of("probe" if probe is not None else "whole")
        limit = threshold(numbers, share)
        return wire.Cascade(mode, share, can, known.area, kind, limit, len(numbers))

    def _left(self, reserved: float) -> tuple[float | None, str]:
        """US dollars that the budgets leave (None where there is none), and why that is not known."""
        day, month = self.policy.budget_day, self.policy.budget_month
        if day is None and month is None:
            return None, ""
        try:
            spent = self._snapshots.spent()
        except AiPalError as error:
            return 0.0, error.failure.message
        rests = [
            limit - used for limit, used in ((day, spent.day), (month, spent.month)) if limit is not None
        ]
        return min(rests) - reserved, ""

    def _left_of(self, principal: str, budget: float) -> tuple[float, str]:
        """US dollars that the day's own budget of this principal leaves, and why that is not known."""
        try:
            return budget - self._snapshots.spent_by(principal), ""
        except AiPalError as error:
            return 0.0, error.failure.message

    @staticmethod
    def _row(candidate: Candidate, query: Query, position: int, why: str) -> wire.RouteCandidate:
        price = candidate.price
        cost = None if price is None else price.expected(query.prompt_tokens, query.answer_tokens)
        return wire.RouteCandidate(
            tier=candidate.tier,
            provider=candidate.provider,
            model=candidate.model,
            position=position,
            state=candidate.state,
            why=why,
            cost=0.0 if candidate.tier == LOCAL else cost,
            seconds=expected_seconds(candidate),
            remote=candidate.remote,
        )


def doubts_of(candidates: list[Candidate], memory: DoubtMemory) -> ModelDoubts | None:
    """What is known of the doubts of this machine's own model."""
    here = next((one for one in candidates if one.tier == LOCAL and not one.larger), None)
    return None if here is None or here.resolved is None else memory.known(key_of(here.resolved))


def _why(step: Step, query: Query) -> str:
    if step.candidate.state == UNSEEN:
        return LOOKED_FOR
    return in_words(step.reason, query.score)
