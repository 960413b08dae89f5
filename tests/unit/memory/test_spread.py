"""Which node a load gets, and what people hear where none has room."""

import msgspec

from ai_pal.errors import Code
from ai_pal.memory import Admit, Evict, Refuse, Resident, Use, Wait, Want
from ai_pal.memory.devices import Device
from ai_pal.memory.spread import Place, Residents, spread

GB = 10**9
WANT = Want("m", 5 * GB)
DISK = Code.DISK_FULL


def idle(name: str, size: int, last_used: float = 0.0) -> Resident:
    return Resident(name, Use.IDLE, size, size, last_used)


def test_the_node_with_the_most_room_has_it() -> None:
    assert spread(WANT, [Place("a", 6 * GB), Place("b", 9 * GB), Place("c", 4 * GB)]) == ("b", Admit())


def test_replicas_of_a_model_spread_over_the_nodes() -> None:
    taken, free = Place("a", 90 * GB, beside=1), Place("b", 6 * GB)
    assert spread(WANT, [taken, free])[0] == "b", "though there is less room"
    assert spread(WANT, [taken, Place("b", 1 * GB)])[0] == "a", "the only one with room"
    assert spread(WANT, [taken, Place("b", 90 * GB, beside=2)])[0] == "a"


def test_what_others_were_promised_is_no_room() -> None:
    promised = Resident("other", Use.LOADING, 0, 6 * GB)
    assert spread(WANT, [Place("a", 6 * GB), Place("b", 9 * GB, Residents.of([promised]))])[0] == "a"


def test_equal_nodes_are_taken_by_name() -> None:
    assert spread(WANT, [Place("b", 6 * GB), Place("a", 6 * GB)])[0] == "a"


def test_an_avoided_node_is_taken_only_where_no_other_will_do() -> None:
    lost = Place("a", 9 * GB, avoided=True)
    assert spread(WANT, [lost, Place("b", 6 * GB)])[0] == "b"
    assert spread(WANT, [lost, Place("b", 1 * GB)]) == ("a", Admit())


def test_idle_models_go_where_the_fewest_have_to() -> None:
    many = Place("a", 1 * GB, Residents.of(idle(f"i{n}", 2 * GB) for n in range(3)))
    few = Place("b", 0, Residents.of([idle("x", 6 * GB)]))
    node, decision = spread(WANT, [many, few])
    assert node == "b"
    assert isinstance(decision, Evict)
    assert decision.models == ("x",)


def test_what_is_given_back_already_is_waited_for() -> None:
    going = Place("a", 0, Residents.of([Resident("x", Use.LEAVING, 6 * GB, 6 * GB)]))
    node, decision = spread(WANT, [going, Place("b", 0, Residents.of([idle("y", 6 * GB)]))])
    assert (node, isinstance(decision, Wait)) == ("a", True)


def test_a_refusal_has_figures_by_node() -> None:
    places = [Place("c", 2 * GB), Place("a", 1 * GB), Place("b", 9 * GB, objection="does not answer")]
    assert spread(WANT, places) == (
        "",
        Refuse(
            "insufficient memory: m needs 5.0 GB; a has 1.0 GB free, b does not answer, c has 2.0 GB free",
            False,
        ),
    )
    assert spread(WANT, []) == (
        "",
        Refuse("insufficient memory: m needs 5.0 GB, and there is no node", False),
    )


def test_a_node_with_the_files_comes_before_those_with_more_room_and_they_before_one_without() -> None:
    has, more, none = Place("a", 6 * GB), Place("b", 9 * GB, lacks=True), Place("c", 1 * GB)
    assert spread(WANT, [more, has, none])[0] == "a"
    assert spread(WANT, [more, none]) == ("b", Admit())


def test_where_no_node_is_short_of_memory_the_refusal_has_the_reason_of_each() -> None:
    full = Place("a", 9 * GB, objection="lacks 4.0 GB of its files, 1.0 GB of disk is free", cause=DISK)
    away = Place("b", 9 * GB, objection="is drained", cause=Code.NO_NODE)
    told = "no node takes m: a lacks 4.0 GB of its files, 1.0 GB of disk is free, b is drained"
    assert spread(WANT, [away, full]) == ("", Refuse(told, soon=False, code=Code.NO_NODE))
    _, decision = spread(WANT, [full])
    assert isinstance(decision, Refuse)
    assert decision.code == Code.DISK_FULL
    _, decision = spread(WANT, [away, Place("c", 1 * GB)])
    assert isinstance(decision, Refuse)
    assert decision.code == Code.INSUFFICIENT_MEMORY
    assert "b is drained, c has 1.0 GB free" in decision.reason


def test_a_node_that_may_answer_soon_is_waited_for() -> None:
    starting = Place("a", 0, objection="does not answer", awaited=True)
    node, decision = spread(WANT, [starting, Place("b", 1 * GB)])
    assert node == ""
    assert isinstance(decision, Wait)
    assert not decision.promised
    assert (decision.what, decision.code) == ("node a does not answer yet", Code.NO_NODE)
    assert spread(WANT, [starting, Place("b", 6 * GB)]) == ("b", Admit())


CARD = Device("cuda:0", 9 * GB, 24 * GB)


def test_where_more_of_it_lies_on_cards_it_goes_though_others_have_more_room() -> None:
    some, most = (Place(name, 6 * GB, cards=(CARD,), blocks=n) for name, n in (("some", 3), ("most", 20)))
    none = Place("none", 90 * GB)
    assert spread(WANT, [none, some, most]) == ("most", Admit())
    assert spread(WANT, [none, some]) == ("some", Admit())
    assert spread(WANT, [none, some, msgspec.structs.replace(most, avoided=True)])[0] == "some"
    full = msgspec.structs.replace(most, there=Residents.of([Resident("x", Use.BUSY, 0, 6 * GB)]))
    assert spread(WANT, [none, some, full])[0] == "some", "nobody waits for a card where another will do"


def test_what_lies_on_cards_takes_nothing_of_a_nodes_memory() -> None:
    place = Place("gpu", 1 * GB, cards=(CARD,), blocks=20)
    assert spread(WANT, [msgspec.structs.replace(place, need=GB // 2)]) == ("gpu", Admit())
    _, decision = spread(WANT, [msgspec.structs.replace(place, need=2 * GB)])
    assert isinstance(decision, Refuse)
    figures = "gpu has 1.0 GB free and 9.0 GB on cuda:0, where it needs 2.0 GB beside its cards"
    assert decision.reason == f"insufficient memory: m needs 5.0 GB; {figures}"


def test_idle_models_go_for_a_card_before_it_is_computed_without_one() -> None:
    evict = Evict(("x",))
    full = Place("gpu", 9 * GB, cards=(CARD,), blocks=20, first=evict)
    assert spread(WANT, [Place("none", 90 * GB), full]) == ("gpu", evict)
    assert spread(WANT, [Place("free", 9 * GB, cards=(CARD,), blocks=20), full])[0] == "free"
