"""No piece that was held is lost, doubled or out of order, however the hold ends; none waits for long."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.router.cascade.hold import MOST_SECONDS, MOST_TOKENS, NEVER, PATIENCE, Hold

END = st.sampled_from(("let_go", "drop"))
STEP = st.one_of(
    st.tuples(st.just("piece"), st.integers(1, 5), st.floats(0.0, 0.3)),
    st.tuples(st.just("another"), st.just(0), st.just(0.0)),
)


@given(st.lists(STEP, max_size=40), END, st.booleans())
def test_every_piece_is_shown_once_or_none_of_those_that_were_held(
    steps: list[tuple[str, int, float]], end: str, opened: bool
) -> None:
    hold: Hold[int] = Hold(holds=opened)
    shown: list[int] = []
    now, number, waits = 0.0, 0, False
    for step, tokens, seconds in steps:
        now += seconds
        if step == "another":
            hold.keep(NEVER)
            waits = True
            continue
        if not hold.take(number, tokens, now):
            shown.append(number)
        number += 1
        if hold.is_due(now):
            assert not waits
            hold.let_go(shown.append)
    before = len(hold)
    if end == "drop":
        hold.drop()
        assert shown == list(range(number - before))
    else:
        hold.let_go(shown.append)
        assert shown == list(range(number))
    assert not hold.take(number, 1, now)
    assert not len(hold)


def test_a_hold_ends_by_its_tokens_or_its_time() -> None:
    hold: Hold[str] = Hold(holds=True)
    assert not hold.is_due(99.0)
    assert hold.take("a", 1, 5.0)
    assert hold.ends_at == 5.0 + MOST_SECONDS
    assert not hold.is_due(5.0 + MOST_SECONDS / 2)
    assert hold.is_due(5.0 + MOST_SECONDS)
    assert hold.take("b", MOST_TOKENS - 1, 5.1)
    assert hold.is_due(5.1)


def test_what_is_kept_for_another_waits_longer_but_not_for_ever() -> None:
    hold: Hold[str] = Hold(holds=True)
    assert hold.take("a", 2 * MOST_TOKENS, 0.0)
    hold.keep(PATIENCE)
    assert not hold.is_due(PATIENCE - 0.1)
    assert hold.is_due(PATIENCE)
