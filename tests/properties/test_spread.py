"""Of many nodes only those are decided on that may have the room: what comes of it is as if all were."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.memory import Admit, Decision, Evict, Refuse, Resident, Use, Wait, Want, decide
from ai_pal.memory.spread import Place, Residents, first_that_will_do, spread, when_some_have_left

SIZES = st.integers(0, 20)
RESIDENTS = st.lists(
    st.builds(
        Resident,
        model=st.uuids().map(str),
        use=st.sampled_from(list(Use)),
        taken=SIZES,
        reserved=SIZES,
        last_used=st.floats(0, 5),
        pinned=st.booleans(),
    ),
    max_size=4,
).map(Residents.of)
PLACES = st.lists(
    st.builds(
        Place,
        name=st.sampled_from("abcdef"),
        free=st.integers(-10, 60),
        there=RESIDENTS,
        objection=st.sampled_from(["", "", "", "does not answer"]),
        awaited=st.just(False),
        avoided=st.booleans(),
        lacks=st.booleans(),
        beside=st.integers(0, 2),
    ),
    max_size=5,
    unique_by=lambda place: place.name,
)
WANTS = st.builds(Want, model=st.just("new"), need=st.integers(0, 60), in_line=st.booleans())


def by_all(want: Want, places: list[Place], limit: int) -> tuple[str, Decision]:
    """The rule as it reads, by a decision for each node."""
    line = sorted(
        (place for place in places if not place.objection),
        key=lambda one: (one.avoided, one.beside, one.lacks, -one.room, one.name),
    )
    ruled = [(place, decide(want, place.free, place.there.every, limit)) for place in line]
    for place, decision in ruled:
        if isinstance(decision, Admit):
            return place.name, decision
    for place, decision in ruled:
        if isinstance(decision, Wait) and decision.promised:
            return place.name, decision
    evicting = [(place, decision) for place, decision in ruled if isinstance(decision, Evict)]
    if evicting:
        place, evict = min(evicting, key=lambda one: (one[0].avoided, len(one[1].models), one[0].lacks))
        return place.name, evict
    if any(isinstance(decision, Wait) for _, decision in ruled):
        return "", Wait(False, "")
    return "", Refuse("", soon=False)


@given(WANTS, PLACES, st.integers(0, 4))
def test_the_sums_leave_no_node_out_that_would_do(want: Want, places: list[Place], limit: int) -> None:
    node, decision = spread(want, places, limit)
    expected_node, expected = by_all(want, places, limit)
    assert (node, type(decision)) == (expected_node, type(expected))
    if isinstance(decision, Evict | Admit):
        assert decision == expected


@given(WANTS, PLACES, st.integers(0, 4))
def test_what_is_clear_from_the_first_by_room_is_as_if_all_were_decided_on(
    want: Want, places: list[Place], limit: int
) -> None:
    line = sorted(places, key=lambda place: (-place.room, place.name))
    leaving = any(want.need <= when_some_have_left(place) for place in places)
    found = first_that_will_do(want, line, limit, leaving=leaving)
    if found is not None:
        assert by_all(want, places, limit) == found
