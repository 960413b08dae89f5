"""Plans and walks over them, for any candidates and outcomes: bounded, complete, private, within limits."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ai_pal.errors import Code, Failure
from ai_pal.protocol.provider import Provider
from ai_pal.providers.prices import price_table
from ai_pal.providers.server import Server
from ai_pal.server.router.policy import fallback_chain
from ai_pal.server.router.policy import snapshot as known
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, Candidate
from ai_pal.server.router.policy.fallback_chain import Ask, BreakOff, FallbackChain, GiveUp
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.plan import Plan, plan
from ai_pal.server.router.policy.query import Query
from ai_pal.server.router.policy.snapshot import Here, Snapshot

CODES = st.sampled_from(
    [Code.NO_KEY, Code.BREAKER_OPEN, Code.INSUFFICIENT_MEMORY, Code.MODEL_FAILED, Code.PROVIDER_ERROR,
     Code.RATE_LIMITED, Code.AUTH_FAILED, Code.WORKER_DIED, Code.MODEL_NOT_HERE, Code.DEADLINE_EXCEEDED]
)  # fmt: skip
FAILURES = st.builds(Failure, CODES, st.just("it is so"))
HERE = st.builds(
    Here,
    model=st.just("phi-2"),
    window=st.sampled_from([0, 2048]),
    loaded=st.booleans(),
    absent=st.booleans(),
    prefills=st.booleans(),
    failure=st.none() | FAILURES,
)
URLS = [
    "",
    "http://127.0.0.1:11434",
    "http://localhost:1",
    "http://10.0.0.7:11434",
    "https://ollama.example.com",
]
OLLAMA = st.builds(
    Server,
    provider=st.builds(Provider, st.just("ollama"), st.just("ollama"), st.sampled_from(URLS)),
    mid=st.just("phi"),
    consent=st.booleans(),
)


def cloud(name: str, api: str, mid: str, strong: str) -> st.SearchStrategy[Server]:
    return st.builds(
        Server,
        provider=st.just(Provider(name, api)),  # type: ignore[arg-type]
        mid=st.sampled_from([mid, ""]),
        strong=st.sampled_from([strong, ""]),
        key=st.booleans(),
        consent=st.booleans(),
        installed=st.booleans(),
    )


CLOUDS = st.tuples(
    cloud("openai", "openai", "gpt-3.5-turbo", "gpt-4"),
    cloud("anthropic", "anthropic", "claude-3-haiku", "claude-3-opus"),
    cloud("cohere", "cohere", "command", "command"),
    cloud("gateway", "openai", "llama-70b", ""),
)
SNAPSHOTS = st.builds(Snapshot, here=st.none() | HERE, ollama=st.none() | OLLAMA, clouds=CLOUDS)
QUERIES = st.builds(
    Query,
    score=st.floats(0, 1),
    goal=st.sampled_from(["privacy", "cost", "latency", "quality", "balanced"]),
    prompt_tokens=st.integers(1, 300_000),
    local_only=st.booleans(),
    max_cost=st.none() | st.floats(0, 1),
    left=st.none() | st.floats(0, 1),
    fallback=st.booleans(),
)
TAUGHT = st.lists(st.tuples(st.integers(0, 9), st.one_of(FAILURES, st.floats(0.01, 60))), max_size=20)


def candidates_of(snapshot: Snapshot, taught: list[tuple[int, Failure | float]]) -> list[Candidate]:
    """Everyone, after some experience with them."""
    health = ProviderHealth()
    everyone = known.everyone(snapshot, price_table(), health)
    for number, lesson in taught if everyone else []:
        candidate = everyone[number % len(everyone)]
        if isinstance(lesson, Failure):
            health.failed(candidate, lesson)
        else:
            health.answered(candidate, lesson)
    return known.everyone(snapshot, price_table(), health)


CANDIDATES = st.builds(candidates_of, SNAPSHOTS, TAUGHT)


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_a_private_plan_has_nobody_outside_this_machine(query: Query, candidates: list[Candidate]) -> None:
    if query.private:
        assert not any(step.candidate.remote for step in plan(query, candidates).steps)


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_everyone_considered_is_asked_once_or_told_why_not(query: Query, candidates: list[Candidate]) -> None:
    found = plan(query, candidates)
    asked = [step.candidate.name for step in found.steps]
    out = [ruled.candidate.name for ruled in found.ruled_out]
    assert len({*asked, *out}) == len(asked) + len(out)
    considered = {c.name for c in candidates if c.tier < CLOUD or c.grades & set(query.grades)}
    assert considered == {*asked, *out}
    assert all(ruled.failure.code and ruled.failure.message for ruled in found.ruled_out)


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_whoever_is_asked_can_be_asked(query: Query, candidates: list[Candidate]) -> None:
    """But this machine's model, as the very last resort."""
    found = plan(query, candidates)
    for step in found.steps:
        alone = step.candidate.tier == LOCAL and len(found.steps) == 1
        assert step.candidate.failure is None or alone


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_no_plan_is_over_a_limit(query: Query, candidates: list[Candidate]) -> None:
    limits = [limit for limit in (query.max_cost, query.left) if limit is not None]
    for step in plan(query, candidates).steps if limits else ():
        price = step.candidate.price
        assert price is not None
        assert price.expected(query.prompt_tokens, query.answer_tokens) <= min(limits)


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES, st.floats(0, 1))
def test_a_smaller_limit_never_adds_a_cloud(query: Query, candidates: list[Candidate], limit: float) -> None:
    loose = plan(replace(query, fallback=True, max_cost=limit), candidates)
    tight = plan(replace(query, fallback=True, max_cost=limit / 2), candidates)
    names = {step.candidate.name for step in loose.steps}
    assert {step.candidate.name for step in tight.steps if step.candidate.tier == CLOUD} <= names


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_privacy_never_adds_a_candidate(query: Query, candidates: list[Candidate]) -> None:
    private = plan(replace(query, fallback=True, local_only=True), candidates)
    names = {step.candidate.name for step in plan(replace(query, fallback=True), candidates).steps}
    assert all(step.candidate.name in names or len(private.steps) == 1 for step in private.steps)


@settings(deadline=None)
@given(CANDIDATES, st.floats(0, 0.29), st.floats(0.3, 1))
def test_a_harder_prompt_never_moves_this_machine_forward(
    candidates: list[Candidate], simple: float, hard: float
) -> None:
    def place(score: float) -> int:
        steps = [step.candidate.tier for step in plan(Query(score=score), candidates).steps]
        return steps.index(LOCAL) if LOCAL in steps else len(steps)

    assert place(simple) <= place(hard)


@settings(max_examples=60, deadline=None)
@given(QUERIES, CANDIDATES)
def test_equal_questions_get_equal_plans(query: Query, candidates: list[Candidate]) -> None:
    assert plan(query, candidates) == plan(query, candidates)


PLANS = st.builds(plan, QUERIES, CANDIDATES)
OUTCOMES = st.lists(st.tuples(st.booleans(), FAILURES, st.floats(0, 10)), min_size=40, max_size=40)


@settings(deadline=None)
@given(PLANS, OUTCOMES, st.none() | st.floats(0, 100), st.booleans())
def test_a_walk_asks_each_at_most_once_and_ends_with_every_reason(
    found: Plan, outcomes: list[tuple[bool, Failure, float]], deadline: float | None, continuation: bool
) -> None:
    move: fallback_chain.Move
    chain, move = fallback_chain.begin(FallbackChain(found, deadline, continuation))
    asked: list[str] = []
    now, seams = 0.0, 0
    for content, failure, seconds in outcomes:
        if not isinstance(move, Ask):
            break
        assert deadline is None or not asked or now < deadline, "asked after the deadline"
        asked.append(move.step.candidate.name)
        assert not chain.committed or move.seam, "a silent switch after content"
        seams += move.seam
        now += seconds
        if content:
            chain = fallback_chain.content(chain)
        chain, move = fallback_chain.failed(chain, failure, now)
    assert not isinstance(move, Ask)
    assert len(asked) == len(set(asked)) == len(chain.failures)
    assert seams <= (1 if continuation else 0)
    assert isinstance(move, BreakOff) == chain.committed
    if isinstance(move, GiveUp):
        assert len(move.reasons) == len(found.ruled_out) + len(asked)
        last = chain.failures[-1].code if chain.failures else ""
        late = deadline is not None and now >= deadline
        assert late or not move.late
        if not late and last not in fallback_chain.FINAL:
            assert len(asked) == len(found.steps), "somebody was left out"
        assert move.late == (late and last not in fallback_chain.FINAL and len(asked) < len(found.steps))


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.none() | FAILURES), max_size=40))
def test_a_breaker_lets_one_probe_through_and_closes_when_it_succeeds(
    history: list[tuple[float, Failure | None]],
) -> None:
    health, candidate = ProviderHealth(), Candidate(tier=CLOUD, provider="openai", model="gpt-4")
    for pause, outcome in history:
        health.now += pause
        if health.blocked(candidate) is not None:
            continue
        if outcome is None or outcome.code != Code.BREAKER_OPEN:  # who is left alone was not asked
            health.asked(candidate)
        if outcome is None:
            health.answered(candidate, 1.0)
            assert health.blocked(candidate) is None
        else:
            health.failed(candidate, outcome)
    health.now += 10_000
    assert health.blocked(candidate) is None
    for _ in range(3):
        health.failed(candidate, Failure(Code.PROVIDER_ERROR, "HTTP 500"))
    assert health.blocked(candidate) is not None
    health.now += 10_000
    health.asked(candidate)
    assert health.blocked(candidate) is not None, "a second probe beside the first"
    health.released(candidate)
    assert health.blocked(candidate) is None
