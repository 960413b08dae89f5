"""What the memory decision promises, over thousands of situations."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.memory import Admit, Evict, Refuse, Resident, Use, Wait, Want, decide, relieve

SIZES = st.integers(0, 20)
RESIDENTS = st.lists(
    st.builds(
        Resident,
        model=st.sampled_from([f"m{number}" for number in range(6)]),
        use=st.sampled_from(list(Use)),
        taken=SIZES,
        reserved=SIZES,
        last_used=st.floats(0, 5),
        pinned=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.model,
)
WANTS = st.builds(Want, model=st.just("new"), need=st.integers(0, 40), in_line=st.booleans())
LIMITS = st.integers(0, 4)


def places(residents: list[Resident], limit: int) -> bool:
    return not limit or len(residents) < limit


def room(free: int, residents: list[Resident]) -> int:
    return free - sum(one.promised for one in residents)


def after(residents: list[Resident], gone: set[str], free: int) -> tuple[int, list[Resident]]:
    """The same situation when these and all that were leaving are gone."""
    left = [one for one in residents if one.use is not Use.LEAVING and one.model not in gone]
    return free + sum(one.taken for one in residents if one not in left), left


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_admits_exactly_what_fits_beside_all_promises(
    want: Want, free: int, residents: list[Resident], limit: int
) -> None:
    fits = want.need <= room(free, residents) and places(residents, limit)
    assert isinstance(decide(want, free, residents, limit), Admit) == fits


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_evicts_idle_unpinned_models_only_and_they_are_enough(
    want: Want, free: int, residents: list[Resident], limit: int
) -> None:
    decision = decide(want, free, residents, limit)
    if isinstance(decision, Evict):
        victims = [one for one in residents if one.model in decision.models]
        assert all(one.use is Use.IDLE and not one.pinned for one in victims)
        assert isinstance(decide(want, *after(residents, set(decision.models), free), limit), Admit)


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_evicts_nobody_in_vain(want: Want, free: int, residents: list[Resident], limit: int) -> None:
    decision = decide(want, free, residents, limit)
    if isinstance(decision, Evict):
        for spared in decision.models:
            fewer = set(decision.models) - {spared}
            assert not isinstance(decide(want, *after(residents, fewer, free), limit), Admit)


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_spares_a_model_used_later_than_all_victims_when_an_older_one_is_enough(
    want: Want, free: int, residents: list[Resident], limit: int
) -> None:
    decision = decide(want, free, residents, limit)
    if isinstance(decision, Evict):
        latest = max(one.last_used for one in residents if one.model in decision.models)
        older = {one.model for one in residents if one.evictable and one.last_used < latest}
        assert not isinstance(decide(want, *after(residents, older, free), limit), Admit)


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_waits_only_for_what_could_be_enough(
    want: Want, free: int, residents: list[Resident], limit: int
) -> None:
    decision = decide(want, free, residents, limit)
    hoped = {one.model for one in residents if not one.pinned}
    best = isinstance(decide(want, *after(residents, hoped, free), limit), Admit)
    if isinstance(decision, Wait):
        assert best
        if decision.promised:
            assert isinstance(decide(want, *after(residents, set(), free), limit), Admit)
    if isinstance(decision, Refuse) and want.in_line:
        assert not best


@given(WANTS, st.integers(-10, 60), RESIDENTS, LIMITS)
def test_a_newcomer_never_waits_for_a_busy_model(
    want: Want, free: int, residents: list[Resident], limit: int
) -> None:
    newcomer = Want(want.model, want.need)
    settled = [one for one in residents if one.use in (Use.BUSY, Use.IDLE)]
    assert not isinstance(decide(newcomer, free, settled, limit), Wait)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 30))
def test_loads_decided_one_after_the_other_never_overcommit(needs: list[int], free: int) -> None:
    """Nothing has been taken yet: only the promises keep the second load from the first one's memory."""
    residents: list[Resident] = []
    for number, need in enumerate(needs):
        if isinstance(decide(Want(f"m{number}", need), free, residents), Admit):
            residents.append(Resident(f"m{number}", Use.LOADING, reserved=need))
        assert sum(one.reserved for one in residents) <= free


@given(st.integers(0, 40), st.integers(0, 40), RESIDENTS, st.booleans())
def test_relief_takes_the_least_recently_used_idle_models(
    free: int, low: int, residents: list[Resident], under_pressure: bool
) -> None:
    chosen = relieve(free, low, residents, under_pressure=under_pressure)
    by_name = {one.model: one for one in residents}
    assert all(by_name[model].evictable for model in chosen)
    times = [by_name[model].last_used for model in chosen]
    assert times == sorted(times)
    spared = [one.last_used for one in residents if one.evictable and one.model not in chosen]
    assert not times or all(when >= times[-1] for when in spared)
    leaving = sum(one.taken for one in residents if one.use is Use.LEAVING)
    if free + leaving < low and spared:
        assert free + leaving + sum(by_name[model].taken for model in chosen) >= low
    if free >= low and not under_pressure:
        assert not chosen
