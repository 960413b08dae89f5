"""Answers that a model here doubts: who else is asked, what the client sees of both, what never leaves."""

from typing import Any, get_args

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.doubt import Doubt, Flaw
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.providers.server import Server
from ai_pal.server.jobs import Answered
from ai_pal.server.router.cascade.hold import MOST_SECONDS, PATIENCE
from ai_pal.server.router.cascade.share import OPINIONS, learned, opinion
from ai_pal.server.router.cascade.watch import BEGINNING
from ai_pal.server.router.policy.snapshot import Here
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.store.doubts import Calibration, ModelDoubts, Seen, key_of
from ai_pal.store.ledger import Spent
from tests.unit.server.router.desk import ANN, HI, OPENAI, PHI, Desk, raw

REFUSED = Failure(Code.PROVIDER_UNREACHABLE, "openai could not be reached: connection refused")
DIED = Failure(Code.WORKER_DIED, "the worker died", retryable=True)
SURE, UNSURE = 0.1, 9.0
NO_CONSENT = Server(provider=OPENAI.provider, mid="gpt-4", consent=False)


class Known:
    """Implements `DoubtMemory`: one model, that can doubt unless its `area` says otherwise."""

    def __init__(self, area: float = 0.8, pace: float = 0.0) -> None:
        seen = [number / 100 for number in range(100)]
        kinds = {kind: Seen([*seen], [*seen], [*seen]) for kind in ("open", "closed", "calculation", "code")}
        self.model = ModelDoubts(Calibration(area, 100), pace, kinds)

    def known(self, key: str) -> ModelDoubts | None:
        return self.model if key == key_of(PHI) else None

    def learned(self) -> None: ...


class Doubting(Desk):
    """A desk whose model here can doubt."""

    def __init__(self, *clouds: Server, known: Known | None = None, **how: Any) -> None:
        self.known = known or Known()
        policy = RouterPolicy(escalate="auto", local_only="local_only" in how)
        how.pop("local_only", None)
        super().__init__(*clouds, policy=policy, doubts=self.known, **how)

    def watches(self, entropy: float, tokens: int = BEGINNING) -> None:
        self.here[0].sink.watched([entropy] * tokens)

    def here_ends(self, nats: float = SURE, *flaws: Flaw) -> None:
        """The answer is whole, its tokens' mean logprob minus `nats`."""
        doubt = Doubt(40, -nats, 0.0, [*flaws])
        self.here[0].sink.done(
            Answered("stop", Usage(5, 0, 40), Timings(tokens_per_second=50.0), doubt=doubt)
        )

    @property
    def sent(self) -> list[str]:
        """Everything that the egress process was given to ask."""
        return [message.content for asked in self.away for message in asked.messages]  # type: ignore[misc]


def asked(*clouds: Server, known: Known | None = None, score: float = 0.1, **how: Any) -> Doubting:
    desk = Doubting(*clouds, known=known, score=score)
    desk.ask(**how)
    return desk


def ends(desk: Desk) -> int:
    return sum(isinstance(event, wire.TERMINAL) for event in desk.heard)


def test_a_doubted_beginning_that_nobody_saw_gives_way_in_silence() -> None:
    desk = asked(OPENAI)
    desk.here_answers("d", "r", "a")
    assert desk.text() == ""
    desk.watches(UNSURE)
    assert len(desk.away) == 1
    desk.away_says("yes")
    assert desk.text() == "yes"
    assert desk.notices("fallback") == ["phi-2 was unsure (1.00) -> openai:gpt-3.5-turbo"]
    assert desk.notices("seam") == []
    assert desk.stopped == [0]
    assert [row.outcome for row in desk.ledger] == ["unsure", "done"]
    done = desk.last()
    assert isinstance(done, wire.Done)
    assert done.doubt == pytest.approx(1.0, abs=0.01)
    assert ends(desk) == 1


def test_the_cloud_is_asked_what_was_asked_and_nothing_of_the_draft() -> None:
    desk = asked(OPENAI)
    desk.here_answers("secret draft")
    desk.watches(UNSURE)
    assert desk.sent == [HI[0].content]
    assert desk.away[0].options == GenerationOptions()


def test_a_sure_answer_is_let_go_at_once_and_whole() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(SURE)
    assert desk.text() == "ab"
    desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
    desk.here_ends()
    assert desk.text() == "abc"
    assert desk.kinds()[-1] == "Done"
    assert not desk.away
    assert [row.outcome for row in desk.ledger] == ["done"]


def test_nothing_is_held_for_longer_than_its_time() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.clock.run(MOST_SECONDS - 0.05)
    assert desk.text() == ""
    desk.clock.run(MOST_SECONDS + 0.05)
    assert desk.text() == "ab"


def test_nor_for_more_than_its_tokens() -> None:
    desk = asked(OPENAI)
    desk.here_answers(*"abcdefghijklmno")
    assert desk.text() == ""
    desk.here_says(wire.ForwardedDelta(0, 15, 1, raw("p")))
    assert desk.text() == "abcdefghijklmnop"


def test_of_a_slow_model_nothing_is_held_and_the_other_stands_behind_a_seam() -> None:
    desk = asked(OPENAI, known=Known(pace=9.0))
    desk.here_answers("a", "b")
    assert desk.text() == "ab"
    desk.watches(UNSURE)
    desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
    assert desk.text() == "abc"
    desk.away_says("y", "es")
    assert desk.text() == "abcyes"
    assert desk.notices("seam") == ["phi-2 was unsure (1.00) -> openai:gpt-3.5-turbo"]
    assert desk.notices("fallback") == []
    kinds = desk.kinds()
    assert kinds[kinds.index("Notice") + 1] == "Started"
    deltas = [event for event in desk.heard if isinstance(event, wire.ForwardedDelta)]
    assert [delta.index for delta in deltas] == [0, 0, 0, 1, 1]


def test_when_nobody_else_answers_the_draft_does() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.away_fails(REFUSED)
    desk.away_fails(Failure(Code.PROVIDER_UNREACHABLE, "ollama could not be reached: connection refused"))
    desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
    desk.here_ends()
    assert desk.text() == "abc"
    (line,) = desk.notices("unsure")
    assert line.startswith("phi-2 was unsure (1.00) -> openai: connection refused")
    assert ends(desk) == 1
    assert isinstance(desk.last(), wire.Done)


def test_a_draft_that_is_whole_ends_the_request_when_nobody_else_answers() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.here_ends(UNSURE)
    assert len(desk.away) == 1
    assert ends(desk) == 0
    for _ in range(2):
        desk.away_fails(REFUSED)
    assert desk.text() == "ab"
    assert isinstance(desk.last(), wire.Done)
    assert ends(desk) == 1


def test_thoughts_of_another_who_fails_lose_nothing_of_the_draft() -> None:
    desk = asked(OPENAI, known=Known(pace=9.0))
    desk.here_answers("a")
    desk.watches(UNSURE)
    key = desk.away[-1].key
    desk.hears(out.CompletionDelta(key, 0, 1, "hm", "reasoning"))
    desk.here_says(wire.ForwardedDelta(0, 1, 1, raw("b")))
    for _ in range(2):
        desk.away_fails(REFUSED)
    desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
    desk.here_ends()
    deltas = [event for event in desk.heard if isinstance(event, wire.ForwardedDelta)]
    assert [delta.seq for delta in deltas] == [0, 1, 2, 3]
    assert [(delta.kind, delta.index) for delta in deltas] == [
        ("text", 0), ("reasoning", 1), ("text", 0), ("text", 0),
    ]  # fmt: skip
    started = [event.model for event in desk.heard if isinstance(event, wire.Started)]
    assert started == ["phi-2", "gpt-3.5-turbo", "phi-2"]
    assert ends(desk) == 1


def test_a_draft_is_not_kept_for_ever_either_where_whoever_had_begun_has_failed() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a")
    desk.watches(UNSURE)
    desk.hears(out.CompletionDelta(desk.away[-1].key, 0, 1, "hm", "reasoning"))
    desk.clock.run(PATIENCE + 0.1)
    assert desk.text() == "hm"
    desk.away_fails(REFUSED)
    desk.clock.run(2 * PATIENCE + 0.2)
    assert desk.text() == "hma"
    assert [event.model for event in desk.heard if isinstance(event, wire.Started)][-1] == "phi-2"
    desk.away_says("yes")
    assert desk.text() == "hmayes"
    assert len(desk.notices("seam")) == 1
    assert ends(desk) == 1


def test_a_cancel_shows_what_was_held() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.router.cancel(ANN, 1)
    assert desk.text() == "ab"
    assert desk.kinds()[-1] == "Cancelled"
    assert ends(desk) == 1


def test_so_does_one_while_another_is_asked() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.router.cancel(ANN, 1)
    assert desk.text() == "ab"
    assert desk.kinds()[-1] == "Cancelled"
    assert len(desk.ledger) == 2
    assert ends(desk) == 1


def test_a_death_shows_what_was_held() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.here_says(wire.Interrupted(0, DIED))
    assert desk.text() == "ab"
    assert desk.kinds()[-1] == "Interrupted"


def test_a_death_of_the_draft_leaves_the_other() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.here[0].sink.failed(DIED, Usage(), None)
    desk.away_says("yes")
    assert desk.text() == "yes"
    assert ends(desk) == 1


def test_a_shown_draft_that_died_is_parted_from_the_other_by_a_seam() -> None:
    desk = asked(OPENAI, known=Known(pace=9.0))
    desk.here_answers("a")
    desk.watches(UNSURE)
    desk.here_says(wire.ForwardedDelta(0, 1, 1, raw("b")))
    desk.here[0].sink.failed(DIED, Usage(), None)
    desk.away_says("y", "es")
    assert desk.text() == "abyes"
    assert desk.notices("seam") == ["phi-2 was unsure (1.00) -> openai:gpt-3.5-turbo"]
    deltas = [event for event in desk.heard if isinstance(event, wire.ForwardedDelta)]
    assert [delta.index for delta in deltas] == [0, 0, 1, 1]
    assert isinstance(desk.last(), wire.Done)


@pytest.mark.parametrize("died", [False, True])
def test_another_answers_behind_thoughts_of_a_draft_that_waited_enough(died: bool) -> None:
    desk = asked(OPENAI)
    desk.here_says(wire.Accepted(0))
    desk.here_says(wire.ForwardedDelta(0, 0, 1, raw("hm"), "reasoning"))
    desk.watches(UNSURE)
    desk.clock.run(PATIENCE + 0.1)
    if died:
        desk.here[0].sink.failed(DIED, Usage(), None)
    desk.away_says("yes")
    assert desk.text() == "hmyes"
    deltas = [event for event in desk.heard if isinstance(event, wire.ForwardedDelta)]
    assert [(delta.kind, delta.index) for delta in deltas] == [("reasoning", 0), ("text", 1)]
    assert ends(desk) == 1


def test_the_deadline_gives_what_there_is() -> None:
    desk = asked(OPENAI, deadline=3.0)
    desk.here_answers("a", "b")
    desk.here_ends(UNSURE)
    desk.clock.run(3.5)
    assert desk.text() == "ab"
    assert isinstance(desk.last(), wire.Done)
    assert ends(desk) == 1


def test_a_draft_is_not_kept_for_ever() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.clock.run(PATIENCE + 0.1)
    assert desk.text() == "ab"
    desk.away_says("yes")
    assert desk.text() == "abyes"
    assert len(desk.notices("seam")) == 1


FORM = GenerationOptions(response_format=JsonSchema({"type": "object"}))


@pytest.mark.parametrize("how", [{"seams": False}, {"options": FORM}], ids=["HTTP", "a form"])
@pytest.mark.parametrize("whole", [False, True])
def test_where_two_answers_would_run_into_each_other_a_draft_that_waited_enough_is_the_answer(
    how: dict[str, Any], whole: bool
) -> None:
    desk = asked(OPENAI, **how)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    if whole:
        desk.here_ends(SURE)
    desk.clock.run(PATIENCE + 0.1)
    desk.away_says("yes")
    if not whole:
        desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
        desk.here_ends()
    assert desk.text() == ("ab" if whole else "abc")
    assert desk.notices("seam") == []
    assert len(desk.notices("unsure")) == 1
    assert isinstance(desk.last(), wire.Done)
    assert ends(desk) == 1
    assert [row.outcome for row in desk.ledger] == ["cancelled", "done"]


def test_nor_do_they_where_its_next_piece_comes_before_the_router_looks() -> None:
    desk = asked(OPENAI, seams=False)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.clock.alarm = lambda: None
    desk.clock.run(PATIENCE + 0.1)
    desk.here_says(wire.ForwardedDelta(0, 2, 1, raw("c")))
    desk.away_says("yes")
    desk.here_ends()
    assert desk.text() == "abc"
    assert desk.notices("seam") == []
    assert ends(desk) == 1


@pytest.mark.parametrize("how", [{}, {"seams": False}], ids=["cancelled", "shown"])
def test_a_cloud_that_was_tried_again_beside_a_draft_can_be_tried_once_more(how: dict[str, Any]) -> None:
    desk = asked(OPENAI, **how)
    desk.here_answers("a")
    desk.watches(UNSURE)
    for _ in range(2):
        desk.away_fails(REFUSED)
    desk.here_ends()
    for number in (2, 3):
        desk.clock.run(desk.clock.now() + 60.0)
        desk.ask(id=number, **how)
        desk.here[-1].sink.accepted("phi-2")
        desk.here[-1].sink.delta(DeltaItem(0, 0, 1, raw("a")))
        desk.here[-1].sink.watched([UNSURE] * BEGINNING)
        assert desk.away[-1].provider.name == "openai", "its breaker is half open"
        assert len(desk.away) == number + 1
        if how:
            desk.clock.run(desk.clock.now() + PATIENCE + 0.1)
        desk.router.cancel(ANN, number)
    assert ends(desk) == 3


def test_a_draft_that_died_is_told_of_where_nobody_else_answers() -> None:
    desk = asked(OPENAI)
    desk.here_answers("a", "b")
    desk.watches(UNSURE)
    desk.here[0].sink.failed(DIED, Usage(), None)
    for _ in range(2):
        desk.away_fails(REFUSED)
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [reason.code for reason in failed.reasons][:2] == [Code.WORKER_DIED, Code.PROVIDER_UNREACHABLE]
    assert ends(desk) == 1


@pytest.mark.parametrize("flaw", get_args(Flaw))
def test_a_flaw_is_enough(flaw: Flaw) -> None:
    desk = asked(OPENAI, known=Known(pace=9.0))
    desk.here_answers("a")
    desk.here_ends(SURE, flaw)
    desk.away_says("yes")
    assert desk.text() == "ayes"
    assert len(desk.notices("seam")) == 1


def test_who_only_wants_to_know_is_told_and_nobody_is_asked() -> None:
    desk = asked(OPENAI, escalate="ask")
    desk.here_answers("a")
    assert desk.text() == "a"
    desk.here_ends(UNSURE)
    assert desk.notices("unsure") == ["phi-2 was unsure (1.00); openai:gpt-3.5-turbo could be asked"]
    assert not desk.away


@pytest.mark.parametrize(
    ("known", "how"),
    [
        (Known(), {"escalate": "off"}),
        (Known(area=0.6), {}),
        (Known(), {"continuation": True}),
        (Known(), {"options": GenerationOptions(logprobs=1)}),
    ],
)
def test_without_doubts_nothing_is_watched(known: Known, how: dict[str, Any]) -> None:
    desk = asked(OPENAI, known=known, **how)
    work = desk.here[0].job.work
    assert (work.watch, work.probe) == (False, None)  # type: ignore[union-attr]
    desk.here_answers("a")
    assert desk.text() == "a"


def test_a_closed_prompt_is_probed_and_the_probe_decides() -> None:
    desk = Doubting(OPENAI)
    desk.ask(messages=[Message("user", "Which one is a metal?\nA. iron\nB. wood")])
    work = desk.here[0].job.work
    assert work.probe is not None  # type: ignore[union-attr]
    desk.here_says(wire.Accepted(0))
    desk.here[0].sink.probed(UNSURE)
    desk.away_says("A")
    assert desk.text() == "A"


CLOSED = [Message("user", "Which one is a metal?\nA. iron\nB. wood")]


def both_known() -> Known:
    known = Known()
    pairs = [(number / 100, number / 100) for number in range(100)]
    known.model.kinds["closed"].both, known.model.kinds["closed"].explained = pairs, pairs[:]
    return known


def test_the_answer_to_a_closed_prompt_waits_for_its_end_and_counts_with_its_probe() -> None:
    desk = Doubting(OPENAI, known=both_known())
    desk.ask(messages=CLOSED)
    desk.here[0].sink.probed(0.8)
    assert not desk.away, "half of the share is for those that the probe doubts more"
    desk.here_answers("B")
    assert desk.text() == ""
    desk.here_ends(UNSURE)
    desk.away_says("A")
    assert desk.text() == "A"
    assert desk.notices("seam") == []
    assert ends(desk) == 1


def test_a_sure_answer_outweighs_an_unsure_probe() -> None:
    desk = Doubting(OPENAI, known=both_known())
    desk.ask(messages=CLOSED, escalate="ask")
    desk.here[0].sink.probed(UNSURE)
    desk.here_answers("A")
    assert desk.text() == "A"
    desk.here_ends(SURE)
    assert desk.notices("unsure") == []
    done = desk.last()
    assert isinstance(done, wire.Done)
    assert done.doubt == pytest.approx(0.55, abs=0.05)


def test_a_closed_prompt_that_is_too_short_for_a_probe_is_doubted_by_its_answer() -> None:
    desk = Doubting(OPENAI, known=both_known())
    desk.ask(messages=CLOSED)
    desk.here_answers("B")
    assert desk.text() == ""
    desk.here[0].sink.done(Answered("stop", Usage(5, 0, 1), Timings(), doubt=Doubt(1, -UNSURE, UNSURE)))
    desk.away_says("A")
    assert desk.text() == "A"


def test_a_form_never_gets_a_second_answer_behind_the_first() -> None:
    form = GenerationOptions(response_format=JsonSchema({"type": "object"}))
    desk = asked(OPENAI, known=Known(pace=9.0), options=form)
    desk.here_answers("{")
    desk.here_ends(SURE, "invalid_json")
    assert not desk.away
    assert desk.notices("unsure") == ["phi-2 wrote no JSON; ollama:phi could be asked"]


@pytest.mark.parametrize(
    ("desk", "how"),
    [
        (lambda: Doubting(OPENAI), {"privacy": "local"}),
        (lambda: Doubting(OPENAI), {"goal": "privacy"}),
        (lambda: Doubting(OPENAI, local_only=True), {}),
        (lambda: Doubting(NO_CONSENT), {}),
        (lambda: Doubting(OPENAI), {"max_cost": 0.0}),
        (lambda: Doubting(OPENAI), {"only": ["phi*"]}),
        (lambda: Doubting(OPENAI), {"fallback": False}),
        (lambda: Doubting(OPENAI), {"model": "phi-2"}),
    ],
)
def test_what_the_plan_did_not_hold_is_not_asked(desk: object, how: dict[str, Any]) -> None:
    found: Doubting = desk()  # type: ignore[operator]
    found.ask(**how)
    found.here_answers("a", "b")
    found.watches(UNSURE)
    for asked_one in found.away:
        assert asked_one.provider.name == "ollama"
        found.away_fails(REFUSED)
    found.here_ends(UNSURE, "loop")
    assert found.text() == "ab"
    assert ends(found) == 1
    assert len(found.notices("unsure")) == 1


def test_an_empty_budget_lets_nothing_leave() -> None:
    desk = Doubting(OPENAI)
    desk.router.take(RouterPolicy(escalate="auto", budget_day=0.5))
    desk.costs = Spent(0.5, 0.5)
    desk.ask()
    desk.here_answers("a")
    desk.watches(UNSURE)
    assert [one.provider.name for one in desk.away] in ([], ["ollama"])


def test_under_local_only_a_larger_model_of_this_machine_is_asked_first() -> None:
    desk = Doubting(OPENAI)
    desk.larger_ones = [Here(model="big", resolved=PHI)]
    desk.ask(privacy="local")
    desk.here_answers("a")
    desk.watches(UNSURE)
    assert [one.job.model for one in desk.here] == ["phi-2", "big"]
    assert not desk.away
    desk.here_answers("yes")
    assert desk.text() == "yes"
    assert desk.notices("fallback") == ["phi-2 was unsure (1.00) -> big"]


def test_a_larger_model_is_asked_for_nothing_else() -> None:
    desk = Doubting(OPENAI)
    desk.larger_ones = [Here(model="big", resolved=PHI)]
    desk.ask(privacy="local")
    desk.here_fails(Failure(Code.INSUFFICIENT_MEMORY, "no room", retryable=True))
    assert [one.job.model for one in desk.here] == ["phi-2"]


def test_a_middling_prompt_is_answered_here_first_by_a_model_that_can_doubt() -> None:
    desk = asked(OPENAI, score=0.5)
    assert len(desk.here) == 1
    desk.here_answers("a")
    desk.watches(SURE)
    started = next(event for event in desk.heard if isinstance(event, wire.Started))
    assert started.why == "a medium prompt (0.50); it knows when it is not sure"
    assert not desk.away
    for other in (asked(OPENAI, score=0.71), asked(OPENAI, score=0.5, known=Known(area=0.64))):
        assert len(other.away) == 1


@pytest.mark.parametrize(("escalate", "told"), [("auto", 1), ("ask", 1), ("", 0), ("off", 0)])
def test_who_counts_on_doubts_of_a_model_that_has_none_is_told_once(escalate: str, told: int) -> None:
    desk = asked(OPENAI, known=Known(area=0.5), escalate=escalate)
    desk.here_answers("yes", "and no")
    notices = [event for event in desk.heard if isinstance(event, wire.Notice)]
    assert [notice.kind for notice in notices] == ["uncalibrated"] * told
    assert all("ai-pal calibrate phi-2" in notice.reason for notice in notices)


def test_stronger_asks_the_strong_at_once() -> None:
    desk = asked(OPENAI, escalate="stronger")
    assert not desk.here
    desk.away_says("yes")
    started = next(event for event in desk.heard if isinstance(event, wire.Started))
    assert (started.model, started.why) == ("gpt-4", "the answer before was doubted")


def test_where_there_is_nobody_stronger_it_is_said() -> None:
    desk = asked(NO_CONSENT, escalate="stronger", only=["phi*"])
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert failed.reasons[0].code == Code.NO_FALLBACK


def test_what_was_doubted_is_in_the_log_and_no_text() -> None:
    desk = asked(OPENAI)
    desk.here_answers("secret")
    desk.watches(UNSURE)
    assert "answer_doubted" in desk.log


def test_route_tells_of_doubts() -> None:
    desk = Doubting(OPENAI)
    routed = desk.router.explain(wire.Route(1, HI))
    assert routed.cascade is not None
    assert (routed.cascade.mode, routed.cascade.can, routed.cascade.area) == ("auto", True, 0.8)
    assert routed.cascade.kind == "open"
    assert routed.cascade.threshold == pytest.approx(0.79, abs=0.02)
    desk.known.model.seen("open").bad = OPINIONS
    assert routed.cascade.share == 0.2
    desk.router.take(RouterPolicy(escalate="auto", learn=True))
    learnt = desk.router.explain(wire.Route(1, HI)).cascade
    assert learnt is not None
    assert learnt.share == learned(0.2, 0, OPINIONS)
    assert learnt.threshold == pytest.approx(1.0 - learnt.share, abs=0.02)


def test_all_others_may_refuse_at_once() -> None:
    desk = asked(OPENAI, only=["phi*", "openai*"])
    desk.here_answers("a", "b")
    desk.refuse = Failure(Code.OVERLOADED, "too much is under way", retryable=True)
    desk.here_ends(UNSURE)
    assert desk.text() == "ab"
    assert isinstance(desk.last(), wire.Done)
    assert ends(desk) == 1


def test_after_thoughts_alone_there_is_no_seam() -> None:
    desk = asked(OPENAI, known=Known(pace=9.0))
    desk.here_says(wire.Accepted(0))
    desk.here_says(wire.ForwardedDelta(0, 0, 1, raw("hm"), "reasoning"))
    desk.watches(UNSURE)
    desk.away_says("yes")
    assert desk.notices("seam") == []
    assert desk.notices("fallback") == ["phi-2 was unsure (1.00) -> openai:gpt-3.5-turbo"]


@pytest.mark.parametrize(("limit", "told"), [(None, 1), (5, 0)])
def test_an_answer_that_was_to_be_short_is_not_cut_off(limit: int | None, told: int) -> None:
    desk = asked(OPENAI, escalate="ask", options=GenerationOptions(max_tokens=limit))
    desk.here_answers("a")
    desk.here_ends(SURE, "cut_off")
    assert len(desk.notices("unsure")) == told


def test_what_people_say_moves_the_share_where_that_is_wanted() -> None:
    desk = asked(OPENAI, escalate="ask")
    assert not desk.router.rate(ANN, 1, False)
    desk.router.take(RouterPolicy(escalate="ask", learn=True))
    desk.here_answers("a")
    desk.here_ends()
    desk.ask(id=2)
    assert desk.router.rate(ANN, 2, False)
    assert not desk.router.rate(ANN, 2, False), "once is enough"
    assert not desk.router.rate(b"bob", 2, True)
    seen = desk.known.model.seen("open")
    assert (seen.good, seen.bad) == (0, 1)


def test_an_opinion_of_what_another_answered_is_none_of_the_model_here() -> None:
    desk = Doubting(OPENAI)
    desk.router.take(RouterPolicy(escalate="auto", learn=True))
    for number in (1, 2):
        desk.ask(id=number)
        desk.here[-1].sink.accepted("phi-2")
        desk.here[-1].sink.watched([UNSURE] * BEGINNING)
    desk.away_says("yes")
    assert not desk.router.rate(ANN, 2, True), "a cloud's answer"
    desk.router.cancel(ANN, 1)
    assert desk.router.rate(ANN, 1, False), "nobody else has answered"
    failing = asked(OPENAI)
    failing.router.take(RouterPolicy(escalate="auto", learn=True))
    failing.ask(id=2)
    failing.here_fails(Failure(Code.INSUFFICIENT_MEMORY, "no room", retryable=True))
    failing.away_says("yes")
    assert not failing.router.rate(ANN, 2, True), "it has not answered at all"


def test_a_model_whose_answers_are_called_bad_is_not_asked_first_for_such_prompts_any_more() -> None:
    known = Known(area=0.5)
    desk = asked(OPENAI, known=known, escalate="off")
    desk.router.take(RouterPolicy(learn=True))
    for number in range(2, OPINIONS + 2):
        assert len(desk.here) == number - 1
        desk.ask(id=number)
        assert desk.router.rate(ANN, number, False)
    desk.ask(id=99)
    assert len(desk.here) == OPINIONS + 1, "somebody else is asked"
    desk.ask(id=100, privacy="local")
    assert len(desk.here) == OPINIONS + 2, "what may not leave stays here"
    known.model.kinds["open"].bad = 0
    desk.ask(id=101)
    assert len(desk.here) == OPINIONS + 3, "what is forgotten does not count"


@pytest.mark.parametrize(
    ("good", "bad", "held"),
    [(0, OPINIONS - 1, ""), (4, 6, "bad"), (5, 5, ""), (8, 2, ""), (9, 1, "good"), (200, 100, "")],
)
def test_an_opinion_is_held_of_ten_answers_and_more(good: int, bad: int, held: str) -> None:
    assert opinion(good, bad) == held


def test_a_kind_that_people_call_bad_is_doubted_more() -> None:
    share = 0.2
    assert learned(share, 0, 0) == share
    assert learned(share, 0, 10) > 0.5
    assert learned(share, 30, 0) < 0.06
    assert (learned(0.0, 0, 99), learned(1.0, 99, 0)) == (0.0, 1.0)
