"""The words of the memory decision; its rules are in tests/properties."""

import msgspec

from ai_pal.memory import Admit, Evict, Refuse, Resident, Use, Wait, Want, decide

GB = 1_000_000_000


def busy(model: str, size: int) -> Resident:
    return Resident(model, Use.BUSY, taken=size, reserved=size)


def idle(model: str, size: int, last_used: float) -> Resident:
    return Resident(model, Use.IDLE, taken=size, reserved=size, last_used=last_used)


def test_a_refusal_has_the_figures() -> None:
    decision = decide(Want("phi-3", int(7.9 * GB)), int(3.1 * GB), [busy("a", GB), busy("b", 9 * GB)])
    expected = "insufficient memory: phi-3 needs 7.9 GB, 3.1 GB is free, 2 models are busy"
    assert decision == Refuse(expected, soon=True)


def test_a_refusal_says_when_idle_models_are_not_enough() -> None:
    decision = decide(Want("phi-3", 8 * GB), GB, [idle("a", GB, 1.0)])
    expected = "insufficient memory: phi-3 needs 8.0 GB, 1.0 GB is free"
    assert decision == Refuse(f"{expected}, unloading 1 idle model would not be enough", soon=False)


def test_a_model_that_is_too_big_alone_is_refused_though_others_load() -> None:
    loading = Resident("a", Use.LOADING, reserved=GB)
    assert isinstance(decide(Want("huge", 9 * GB), 2 * GB, [loading]), Refuse)


def test_the_least_recently_used_goes_first() -> None:
    residents = [idle("new", GB, 9.0), idle("old", GB, 1.0)]
    assert decide(Want("x", GB), 0, residents) == Evict(("old",), "x needs 1.0 GB, 0 MB is free")


def test_an_old_model_too_small_to_matter_is_spared() -> None:
    residents = [idle("small", GB, 1.0), idle("big", 4 * GB, 2.0)]
    assert decide(Want("x", 4 * GB), 0, residents) == Evict(("big",), "x needs 4.0 GB, 0 MB is free")


def test_a_load_in_flight_is_waited_for() -> None:
    loading = Resident("a", Use.LOADING, taken=GB, reserved=3 * GB)
    decision = decide(Want("b", 3 * GB), 3 * GB, [loading])
    assert decision == Wait(False, "b needs 3.0 GB, 1.0 GB is free, 1 model is loading")


def test_a_pinned_model_is_never_hoped_for() -> None:
    pinned = Resident("a", Use.LOADING, reserved=3 * GB, pinned=True)
    decision = decide(Want("b", 3 * GB), 3 * GB, [pinned])
    expected = "insufficient memory: b needs 3.0 GB, 0 MB is free, 1 model is pinned"
    assert decision == Refuse(expected, soon=True)


def test_too_many_models_are_refused_with_that_reason() -> None:
    decision = decide(Want("b", GB), 9 * GB, [busy("a", GB)], max_loaded=1)
    reason = "b cannot be loaded beside others: at most 1 may be loaded, 1 model is busy"
    assert decision == Refuse(reason, soon=True)


def test_a_vocabulary_is_none_of_the_models_that_may_be_loaded() -> None:
    vocabulary = msgspec.structs.replace(idle("a (vocabulary)", 1, 1.0), places=0)
    assert decide(Want("b", GB), 9 * GB, [vocabulary], max_loaded=1) == Admit()
    assert decide(Want("a (vocabulary)", 1, places=0), 9 * GB, [busy("b", GB)], max_loaded=1) == Admit()
    assert decide(Want("c", GB), 9 * GB, [vocabulary, idle("b", GB, 2.0)], max_loaded=1) == Evict(
        ("b",), "at most 1 may be loaded"
    )
