"""The router among scripted parties: who is asked next, what the client hears, what is written down."""

from collections.abc import Callable

import msgspec
import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.usage import Usage
from ai_pal.providers.server import Server
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.store.ledger import Spent
from tests.servers import error_bodies
from tests.unit.server.router.desk import ANN, ANTHROPIC, HI, OPENAI, Desk

GPT_4 = Server(provider=Provider("openai", "openai"), mid="gpt-4")
UNPRICED = Server(provider=Provider("gw", "openai", "https://gw.example/v1"), mid="org/model:free")

NO_ROOM = Failure(
    Code.INSUFFICIENT_MEMORY, "insufficient memory: phi-2 needs 5.6 GB, 3.1 GB is free", retryable=True
)
REFUSED = Failure(
    Code.PROVIDER_UNREACHABLE, "ollama could not be reached: connection refused", retryable=True
)
BROKEN = Failure(Code.STREAM_BROKEN, "the stream broke", retryable=True)
DIED = Failure(Code.WORKER_DIED, "the worker died", retryable=True)
NO_PHI = "phi-2: insufficient memory (needs 5.6 GB, 3.1 GB free)"
LINE = f"{NO_PHI} -> ollama: connection refused -> openai:gpt-3.5-turbo"


def test_one_candidate_is_as_without_a_router() -> None:
    desk = Desk()
    desk.ask(model="echo")
    desk.here_answers("a ", "b ")
    desk.here_says(wire.Done(0, "stop"))
    assert desk.kinds() == ["Accepted", "Started", "ForwardedDelta", "ForwardedDelta", "Done"]
    assert {getattr(event, "id", 0) for event in desk.heard} == {1}


def test_an_empty_answer_names_who_gave_it() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_answers()
    desk.here_says(wire.Done(0, "stop"))
    assert desk.kinds() == ["Accepted", "Started", "Done"]


def test_a_refusal_comes_without_accepted() -> None:
    desk = Desk()
    desk.ask(model="echo")
    desk.here_fails(Failure(Code.OVERLOADED, "full", retryable=True, retry_after=1.0))
    assert desk.kinds() == ["Failed"]


def test_the_line_of_a_fallback_names_all_who_failed() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.away_fails(REFUSED)
    desk.away_says("yes")
    assert desk.notices("fallback") == [LINE]
    assert desk.kinds() == ["Accepted", "Notice", "Started", "ForwardedDelta", "Done"]
    assert [name for name in desk.log if name != "attempt_failed"] == [
        "direct_loading_failed", "trying_ollama", "cloud_fallback_successful", "answer_ended",
    ]  # fmt: skip


def test_a_slow_fallback_is_told_before_anything_has_come_of_it() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.clock.run(1.5)
    assert desk.notices("fallback") == [
        "phi-2: insufficient memory (needs 5.6 GB, 3.1 GB free) -> ollama:phi"
    ]


def test_what_a_provider_tells_of_its_answer_reaches_the_client() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.hears(out.CompletionNotice(desk.away[-1].key, "options", "takes no seed"))
    desk.away_says("yes")
    assert desk.notices("options") == ["takes no seed"]
    desk.hears(out.CompletionNotice(desk.away[-1].key, "options", "late"))
    assert desk.notices("options") == ["takes no seed"]


def test_who_answers_and_that_it_left_is_told() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("yes")
    started = next(event for event in desk.heard if isinstance(event, wire.Started))
    assert (started.tier, started.provider, started.model) == (3, "openai", "gpt-3.5-turbo")
    assert (started.remote, started.score) == (True, 0.5)


def test_an_answer_from_here_after_a_cloud_failed_says_that_the_prompt_has_left() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    for _ in range(2):
        desk.away_fails(BROKEN)
    desk.here_answers("yes")
    started = next(event for event in desk.heard if isinstance(event, wire.Started))
    assert (started.tier, started.remote) == (1, True)


def test_a_prompt_that_a_cloud_never_got_has_not_left() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    for _ in range(2):
        desk.away_fails(REFUSED)
    desk.here_answers("yes")
    started = next(event for event in desk.heard if isinstance(event, wire.Started))
    assert (started.tier, started.remote) == (1, False)
    assert [attempt.remote for attempt in desk.ledger] == [False, False]


def test_when_all_fail_every_reason_is_there() -> None:
    desk = Desk(msgspec.structs.replace(OPENAI, key=False))
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.away_fails(REFUSED)
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [reason.code for reason in failed.reasons] == [
        Code.NO_KEY, Code.INSUFFICIENT_MEMORY, Code.PROVIDER_UNREACHABLE,
    ]  # fmt: skip


def test_a_named_model_of_this_machine_is_asked_of_ollama_only_when_it_cannot_run_here() -> None:
    desk = Desk(OPENAI)
    desk.ask(model="phi-2")
    desk.here_fails(DIED)
    assert not desk.away
    assert isinstance(desk.last(), wire.Failed)
    desk = Desk(OPENAI)
    desk.ask(model="phi-2")
    desk.here_fails(NO_ROOM)
    assert desk.away[0].provider.name == "ollama"


def test_after_the_first_content_nobody_else_is_asked() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("one ", "two ", done=False)
    desk.away_fails(BROKEN)
    assert len(desk.away) == 1
    assert not desk.here
    last = desk.last()
    assert isinstance(last, wire.Interrupted)
    assert last.reason == BROKEN


def test_a_continuation_goes_on_behind_a_seam_with_what_was_said() -> None:
    desk = Desk(ANTHROPIC)
    desk.ask(continuation=True, options=GenerationOptions(max_tokens=10))
    desk.here_answers("one ", "two ")
    desk.here_says(wire.Interrupted(0, DIED))
    asked = desk.away[0]
    assert asked.provider.name == "anthropic"
    assert asked.messages == [*HI, Message("assistant", "one two ")]
    assert asked.options.max_tokens == 8
    desk.away_says("three ")
    assert desk.text() == "one two three "
    assert desk.notices("seam") == ["phi-2: the worker died -> anthropic:claude-3-haiku goes on"]
    done = desk.last()
    assert isinstance(done, wire.Done)
    assert desk.kinds().count("Started") == 2


def test_nobody_goes_on_with_a_second_broken_answer() -> None:
    desk = Desk(ANTHROPIC)
    desk.ask(continuation=True)
    desk.here_answers("one ")
    desk.here_says(wire.Interrupted(0, DIED))
    desk.away_says("two ", done=False)
    desk.away_fails(BROKEN)
    assert isinstance(desk.last(), wire.Interrupted)
    assert len(desk.away) == 1


def test_who_would_begin_anew_is_not_asked_to_go_on() -> None:
    desk = Desk(OPENAI)
    desk.ask(continuation=True)
    desk.here_answers("one ")
    desk.here_says(wire.Interrupted(0, DIED))
    assert not desk.away
    assert isinstance(desk.last(), wire.Interrupted)


def test_a_cancel_reaches_the_completion_and_ends_at_once() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("one ", done=False)
    assert desk.router.cancel(ANN, 1)
    assert desk.stopped == [desk.away[0].key]
    assert isinstance(desk.last(), wire.Cancelled)
    assert not desk.router.cancel(ANN, 1)
    desk.away_says("two ")
    assert isinstance(desk.last(), wire.Cancelled)


def test_a_cancel_reaches_this_machine() -> None:
    desk = Desk()
    desk.ask()
    desk.here_answers("one ")
    assert desk.router.cancel(ANN, 1)
    assert desk.stopped == [desk.here[0].id]
    last = desk.last()
    assert isinstance(last, wire.Cancelled)
    assert last.usage.completion_tokens == 1


def test_what_never_came_has_no_time() -> None:
    desk = Desk()
    desk.ask()
    desk.clock.wake_at(3.0)
    desk.clock.run(3.1)
    assert desk.router.cancel(ANN, 1)
    last = desk.last()
    assert isinstance(last, wire.Cancelled)
    assert last.timings.first_token == 0.0
    assert last.timings.total > 0.0


def test_a_client_that_left_leaves_nothing_behind() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.ask(id=2)
    desk.router.client_gone(ANN)
    assert desk.stopped == [attempt.key for attempt in desk.away]
    assert (len(desk.router), desk.router.attempts) == (0, 0)


def test_the_deadline_is_one_for_all_attempts() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(deadline=5.0)
    desk.clock.run(3.0)
    desk.away_fails(BROKEN)
    desk.clock.run(4.9)
    assert isinstance(desk.last(), wire.Notice)
    desk.clock.run(5.0)
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [reason.code for reason in failed.reasons] == [Code.STREAM_BROKEN, Code.DEADLINE_EXCEEDED]
    assert desk.stopped == [desk.away[-1].key]


def test_a_failure_at_the_deadline_says_that_time_is_up_too() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(deadline=0.0)
    desk.away_fails(BROKEN)
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [reason.code for reason in failed.reasons] == [Code.STREAM_BROKEN, Code.DEADLINE_EXCEEDED]


def test_a_queue_that_stands_still_is_left_while_somebody_else_is_there() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    desk.here_says(wire.Queued(0, 3))
    desk.clock.run(2.9)
    assert not desk.away
    desk.clock.run(3.1)
    assert desk.stopped == [desk.here[0].id]
    assert desk.away[0].provider.name == "ollama"


def test_a_load_that_moves_is_waited_for() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    for second in range(2, 20, 2):
        desk.clock.run(second)
        desk.here_says(wire.Loading(0, "phi-2", second / 20))
    assert not desk.away


def test_the_last_one_may_be_slow() -> None:
    desk = Desk()
    desk.ask(model="echo")
    desk.here_says(wire.Accepted(0))
    desk.clock.run(1000.0)
    assert not desk.stopped


def test_no_first_token_in_time_is_a_reason_to_ask_the_next() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    desk.dispatched = 1.0
    desk.clock.run(4.9)
    assert not desk.away
    desk.clock.run(5.1)
    assert desk.away[0].provider.name == "ollama"


def test_a_prompt_that_is_being_read_is_waited_for() -> None:
    desk = Desk(OPENAI)
    desk.ask()
    desk.here_says(wire.Accepted(0))
    desk.dispatched = 1.0
    for second in range(2, 20, 2):
        desk.clock.run(second)
        desk.here_says(wire.Reading(0, "phi-2", second, 40))
    assert not desk.away
    told = [event for event in desk.heard if isinstance(event, wire.Reading)]
    assert [(event.id, event.done) for event in told] == [(1, second) for second in range(2, 20, 2)]
    desk.clock.run(22.1)
    assert desk.away[0].provider.name == "ollama"


def test_each_attempt_is_in_the_books_once_without_a_word_of_the_prompt() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(messages=[Message("user", "a secret")])
    desk.away_fails(REFUSED)
    desk.away_says("also secret")
    assert [(row.provider, row.outcome) for row in desk.ledger] == [
        ("openai", Code.PROVIDER_UNREACHABLE), ("ollama", "done"),
    ]  # fmt: skip
    assert desk.ledger[0].score == 0.5
    assert "secret" not in repr(desk.ledger)


@pytest.mark.parametrize(
    ("events", "code", "remote", "paid"),
    [
        ([], Code.PROVIDER_UNREACHABLE, False, False),
        ([], Code.CONNECT_TIMEOUT, False, False),
        ([out.CompletionConnected], Code.PROVIDER_UNREACHABLE, True, False),  # a proxy has read it
        ([out.CompletionConnected], Code.STREAM_BROKEN, True, False),  # a part of it is no prompt
        ([out.CompletionConnected], Code.FIRST_TOKEN_TIMEOUT, True, False),
        ([out.CompletionConnected, out.CompletionSent], Code.STREAM_BROKEN, True, True),
        ([out.CompletionConnected, out.CompletionSent], Code.FIRST_TOKEN_TIMEOUT, True, True),
        ([out.CompletionConnected, out.CompletionSent], Code.PROVIDER_UNREACHABLE, True, False),
    ],
)
def test_what_has_left_and_what_is_paid_for_are_two_things(
    events: list[Callable[[int], out.FromEgress]], code: Code, remote: bool, paid: bool
) -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    for event in events:
        desk.hears(event(desk.away[-1].key))
    desk.away_fails(Failure(code, "no", retryable=True))
    booked = desk.ledger[0]
    assert (booked.remote, booked.cost > 0) == (remote, paid)


def test_what_a_cloud_answer_costs_is_told_and_booked() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("yes")
    done = desk.last()
    assert isinstance(done, wire.Done)
    assert done.cost == pytest.approx(0.5 + 1.5e-6)
    assert desk.ledger[0].cost == done.cost


@pytest.mark.parametrize(
    ("connected", "code", "tokens"),
    [
        (True, Code.FIRST_TOKEN_TIMEOUT, 5),
        (True, Code.STREAM_BROKEN, 5),
        (True, Code.RATE_LIMITED, 0),
        (False, Code.CONNECT_TIMEOUT, 0),
        (False, Code.SPAWN_FAILED, 0),
    ],
)
def test_a_prompt_that_a_cloud_was_sent_is_paid_for_though_no_text_came(
    connected: bool, code: Code, tokens: int
) -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    if connected:
        desk.away_says(done=False)
    desk.away_fails(Failure(code, "no text", retryable=True))
    assert (desk.ledger[0].outcome, desk.ledger[0].prompt_tokens) == (code, tokens)
    assert desk.ledger[0].cost == pytest.approx(tokens * 0.5 / 1e6)


def test_a_prompt_that_a_cloud_was_sent_is_paid_for_when_it_is_cancelled() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says(done=False)
    desk.router.cancel(ANN, 1)
    assert (desk.ledger[0].outcome, desk.ledger[0].prompt_tokens) == ("cancelled", 5)


def test_many_words_in_one_piece_are_paid_for_though_their_end_never_came() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("word " * 600, done=False)
    desk.away_fails(BROKEN)
    assert (desk.ledger[0].outcome, desk.ledger[0].completion_tokens) == (Code.STREAM_BROKEN, 1000)


def test_what_was_thought_is_paid_for_though_nothing_was_said() -> None:
    desk = Desk(OPENAI, score=0.9)
    desk.ask(model="openai:gpt-3.5-turbo")
    spent = Failure(Code.LENGTH, "all of it on thinking")
    desk.away_thinks(30_000)
    desk.away_fails(spent, Usage(100, 0, 5000))
    assert (desk.ledger[0].prompt_tokens, desk.ledger[0].completion_tokens) == (100, 5000)
    assert desk.ledger[0].cost == pytest.approx((100 * 0.5 + 5000 * 1.5) / 1e6)
    assert desk.ledger[0].outcome == "length"
    told = desk.last()
    assert isinstance(told, wire.Failed)
    assert (told.cost, told.usage) == (desk.ledger[0].cost, Usage(100, 0, 5000)), "its client hears of it"


def test_an_answer_that_broke_off_is_booked_with_what_its_provider_has_told() -> None:
    desk = Desk(OPENAI, score=0.9)
    desk.ask(model="openai:gpt-3.5-turbo")
    desk.away_says("x" * 300, done=False)
    desk.away_fails(Failure(Code.STREAM_BROKEN, "broken"), Usage(777, 7, 1))
    booked = desk.ledger[0]
    assert (booked.prompt_tokens, booked.completion_tokens) == (777, 100), "more was said since it was told"


def test_thoughts_are_paid_for_when_they_are_cancelled() -> None:
    desk = Desk(OPENAI, score=0.9)
    desk.ask(model="openai:gpt-3.5-turbo")
    desk.away_thinks(3000)
    desk.router.cancel(ANN, 1)
    assert desk.ledger[0].completion_tokens == 1000
    assert desk.ledger[0].prompt_tokens > 0


def test_an_answer_whose_tokens_went_into_thinking_says_nothing_of_its_providers_health() -> None:
    desk = Desk(OPENAI, score=0.9)
    for number in range(5):
        desk.ask(id=number, model="openai:gpt-3.5-turbo")
        desk.away_fails(Failure(Code.LENGTH, "all of it on thinking"))
    desk.ask(id=9)
    assert desk.away[-1].provider.name == "openai"


@pytest.mark.parametrize(
    ("thought", "asked"),
    [(100, ["openai", "anthropic", "ollama"]), (6600, ["openai", "ollama"])],
)
def test_who_is_asked_next_costs_no_more_than_is_left_of_the_limit(thought: int, asked: list[str]) -> None:
    desk = Desk(OPENAI, ANTHROPIC, score=0.5)
    desk.ask(max_cost=0.01)
    desk.away_fails(Failure(Code.LENGTH, "all of it on thinking"), Usage(5, 0, thought))
    while not desk.here:
        desk.away_fails(BROKEN)
    desk.here_fails(Failure(Code.MODEL_NOT_HERE, "not here"))
    failed = desk.last()
    assert isinstance(failed, wire.Failed)
    assert [complete.provider.name for complete in desk.away] == asked
    dear = [reason.message for reason in failed.reasons if reason.code == Code.OVER_BUDGET]
    assert [message.endswith("after $0.0099 for earlier attempts") for message in dear] == [True] * (
        3 - len(asked)
    )


def test_an_answer_is_no_longer_than_its_limit_pays_for() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(max_cost=0.005)
    limit = desk.away[0].options.max_tokens
    assert limit is not None
    assert 0.0049 < 0.5e-6 * 5 + 1.5e-6 * limit <= 0.005


@pytest.mark.parametrize(
    ("cloud", "limit", "cost"), [(OPENAI, 4096, 0.01), (ANTHROPIC, 4096, 0.01), (GPT_4, 8192 - 5 - 16, 1.0)]
)
def test_no_limit_asks_for_more_than_the_model_can_say(cloud: Server, limit: int, cost: float) -> None:
    desk = Desk(cloud, score=0.5)
    desk.ask(max_cost=cost)
    assert desk.away[0].options.max_tokens == limit
    desk = Desk(cloud, score=0.5)
    desk.ask(max_cost=cost, options=GenerationOptions(max_tokens=10))
    assert desk.away[0].options.max_tokens == 10


def test_a_cost_that_nobody_knows_is_none_and_not_nothing() -> None:
    desk = Desk(UNPRICED, score=0.5)
    desk.ask()
    desk.away_says("yes")
    assert isinstance(desk.heard[-1], wire.Done)
    assert desk.heard[-1].cost is None
    assert (desk.ledger[0].cost, desk.ledger[0].priced) == (0.0, False)


def test_what_was_refused_has_cost_nothing_whatever_the_price() -> None:
    desk = Desk(UNPRICED, OPENAI, score=0.5)
    desk.ask()
    desk.away_fails(Failure(Code.RATE_LIMITED, "later", retryable=True))
    assert (desk.ledger[0].cost, desk.ledger[0].priced) == (0.0, True)
    desk.away_says("yes")
    assert isinstance(desk.heard[-1], wire.Done)
    assert desk.heard[-1].cost == desk.ledger[1].cost > 0


def test_a_part_that_nobody_knows_the_price_of_makes_the_whole_unknown() -> None:
    desk = Desk(UNPRICED, OPENAI, score=0.5)
    desk.ask()
    desk.away_says(done=False)
    desk.away_fails(Failure(Code.FIRST_TOKEN_TIMEOUT, "no text", retryable=True))
    desk.away_says("yes")
    assert isinstance(desk.heard[-1], wire.Done)
    assert desk.heard[-1].cost is None
    assert [attempt.priced for attempt in desk.ledger] == [False, True]


def test_a_spent_budget_keeps_the_answer_here_and_says_why() -> None:
    desk = Desk(OPENAI, score=0.5, policy=RouterPolicy(budget_day=1.0))
    desk.costs = Spent(day=1.0, month=5.0)
    desk.ask()
    assert desk.away[0].provider.name == "ollama"
    desk.away_says("yes")
    assert desk.notices("fallback")[0].startswith("openai:gpt-3.5-turbo: ")
    assert "budget" in desk.notices("fallback")[0]


def test_a_budget_of_which_nobody_knows_what_is_spent_lets_no_cloud_be_asked() -> None:
    damaged = AiPalError(Failure(Code.STORE_DAMAGED, "ai-pal.db is damaged"))
    desk = Desk(OPENAI, score=0.5, policy=RouterPolicy(budget_month=1.0))
    desk.costs = damaged
    desk.ask()
    assert desk.away[0].provider.name == "ollama"
    desk.away_says("yes")
    assert "not known: ai-pal.db is damaged" in desk.notices("fallback")[0]
    desk = Desk(OPENAI, score=0.5)
    desk.costs = damaged
    desk.ask()
    assert desk.away[0].provider.name == "openai", "without a budget it does not matter"


def test_open_attempts_reserve_what_they_may_cost() -> None:
    desk = Desk(OPENAI, score=0.5, policy=RouterPolicy(budget_day=0.001))
    desk.ask()
    desk.ask(id=2)
    assert [asked.provider.name for asked in desk.away] == ["openai", "ollama"]


def test_private_prompts_stay_here_whatever_says_so() -> None:
    for how in ({"privacy": "local"}, {"goal": "privacy"}):
        desk = Desk(OPENAI, score=0.9)
        desk.ask(**how)
        assert len(desk.here) == 1
        desk.here_fails(NO_ROOM)
        assert [asked.provider.name for asked in desk.away] == ["ollama"]
        assert desk.away[0].local_only
    desk = Desk(OPENAI, score=0.9, policy=RouterPolicy(local_only=True))
    desk.ask()
    assert not desk.away


def test_a_completion_that_cannot_begin_is_a_failure_like_others() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.refuse = Failure(Code.OVERLOADED, "full", retryable=True)
    desk.ask()
    assert desk.away[0].provider.name == "ollama"


def test_a_named_cloud_that_cannot_begin_is_refused_without_accepted() -> None:
    desk = Desk()
    desk.refuse = Failure(Code.OVERLOADED, "full", retryable=True)
    desk.ask(model="openai:gpt-4")
    assert desk.kinds() == ["Failed"]


def test_an_answer_without_a_word_is_none() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says()
    assert desk.away[-1].provider.name == "ollama"


def test_a_provider_that_refused_is_left_alone_for_a_while() -> None:
    desk = Desk(OPENAI)
    for number in (1, 2):
        desk.ask(id=number)
        desk.here_fails(NO_ROOM)
        if desk.away[-1].provider.name == "ollama":
            desk.away_fails(REFUSED)
    assert [asked.provider.name for asked in desk.away] == ["ollama", "openai", "openai"]


@pytest.mark.parametrize("case", error_bodies.CASES, ids=lambda case: case.name)
def test_what_an_error_costs_tells_and_teaches(case: error_bodies.Case) -> None:
    """The corpus of error bodies through the router: booked or not, left or not, asked again or not."""
    meaning = error_bodies.CODES[case.code]
    desk = Desk(OPENAI, score=0.9)
    for number in range(1, 7):
        desk.ask(id=number)
        while desk.away[-1].provider.name == "openai":
            desk.hears(out.CompletionConnected(desk.away[-1].key))
            desk.hears(out.CompletionSent(desk.away[-1].key))
            desk.away_fails(case.failure())
        desk.away_says("yes")
    first = desk.ledger[0]
    assert (first.provider, first.outcome, first.remote) == ("openai", case.code, True)
    assert (first.cost > 0) == meaning.paid
    asked = [asked.model for asked in desk.away if asked.provider.name == "openai"]
    times = {"provider": 1, "model": 2, "counts": 6, "": 12}[meaning.breaker]
    assert len(asked) == (2 if case.retry_after else times), asked


def test_a_no_for_good_is_not_asked_again_is_told_and_a_name_asks_it() -> None:
    desk = Desk(OPENAI, score=0.9)
    refused = Failure(Code.AUTH_FAILED, "openai does not accept the key (HTTP 401)", "ai-pal keys set openai")
    desk.ask()
    desk.away_fails(refused)
    assert desk.away[-1].provider.name == "ollama", "its other model is not asked either"
    assert desk.ledger[0].remote, "it left for that"
    desk.away_says("yes")
    for number in range(2, 8):
        desk.ask(id=number)
        desk.away_says("yes")
    assert [asked.provider.name for asked in desk.away].count("openai") == 1
    assert "does not accept the key (HTTP 401) (asked again in 10 min) -> " in desk.notices("fallback")[-1]
    desk.send(ANN, desk.router.explain(wire.Route(9, HI)))
    routed = desk.last()
    assert isinstance(routed, wire.Routed)
    told = {row.failure.message for row in routed.candidates if row.provider == "openai" and row.failure}
    assert told == {"openai does not accept the key (HTTP 401) (asked again in 10 min)"}
    desk.ask(id=10, model="openai:gpt-4")
    assert desk.away[-1].provider.name == "openai"
    desk.away_says("yes")
    desk.ask(id=11)
    assert desk.away[-1].provider.name == "openai", "an answer makes it forgotten"


def test_route_explains_and_asks_nobody() -> None:
    desk = Desk(OPENAI, score=0.9)
    desk.send(ANN, desk.router.explain(wire.Route(1, HI)))
    routed = desk.last()
    assert isinstance(routed, wire.Routed)
    assert [(row.position, row.model) for row in routed.candidates] == [
        (1, "gpt-4"), (2, "gpt-3.5-turbo"), (3, "phi"), (4, "phi-2"),
    ]  # fmt: skip
    assert not desk.here
    assert not desk.away
    assert not desk.ledger


def test_a_state_is_a_word_and_why_one_is_ruled_out_stands_beside_it() -> None:
    desk = Desk(msgspec.structs.replace(OPENAI, key=False))
    desk.send(ANN, desk.router.explain(wire.Route(1, HI)))
    routed = desk.last()
    assert isinstance(routed, wire.Routed)
    states = {row.model: (row.state, row.failure and row.failure.code) for row in routed.candidates}
    assert states["phi"] == ("ready", None)
    assert states["gpt-3.5-turbo"] == ("ruled_out", Code.NO_KEY)


def test_while_it_stops_nothing_new_is_taken_and_the_rest_is_interrupted() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask()
    desk.away_says("one ", done=False)
    desk.router.shutdown(2.0)
    desk.ask(id=2)
    refused = desk.last()
    assert isinstance(refused, wire.Failed)
    assert refused.reasons[0].code == Code.SHUTTING_DOWN
    desk.clock.run(2.1)
    assert isinstance(desk.last(), wire.Interrupted)
    assert not len(desk.router)
