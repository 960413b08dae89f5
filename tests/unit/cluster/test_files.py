"""From where a node gets a file: one transfer for each at a time, no giver asked for too much, reasons."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cluster.files import GIVES, Holding, ModelFile, Refused, Transfer, Transfers, Way

PLACE = "models--org--model/snapshots/c0ffee"
BIG = ModelFile(f"{PLACE}/model.gguf", 40_000_000_000, sha256="a" * 64)
SMALL = ModelFile(f"{PLACE}/config.json", 700)
ROOM = 100_000_000_000


def test_an_identity_tells_place_and_size() -> None:
    assert SMALL.identity == "models--org--model/snapshots/c0ffee/config.json:700"
    assert SMALL.name == "config.json"


def test_a_shared_folder_is_read_where_it_lies() -> None:
    transfers = Transfers()
    transfers.want("b", [BIG])
    assert transfers.next({"b": Holding(shared=frozenset({BIG.identity}))}) == []
    assert transfers.lacking("b") == []


def test_a_node_pulls_what_it_can_and_gets_the_rest_from_others() -> None:
    transfers = Transfers()
    nodes = {
        "a": Holding(frozenset({BIG.identity})),
        "b": Holding(disk=ROOM, pulls=True),
        "c": Holding(disk=ROOM),
    }
    transfers.want("b", [BIG])
    transfers.want("c", [BIG])
    assert transfers.next(nodes) == [Transfer("b", BIG, Way.PULL), Transfer("c", BIG, Way.PUSH, "a")]


def test_a_pull_that_fails_becomes_a_push_and_then_a_reason() -> None:
    transfers = Transfers()
    nodes = {"a": Holding(frozenset({BIG.identity})), "b": Holding(disk=ROOM, pulls=True)}
    transfers.want("b", [BIG])
    (pull,) = transfers.next(nodes)
    assert isinstance(pull, Transfer)
    transfers.ended(pull, "the hub does not answer")
    (push,) = transfers.next(nodes)
    assert push == Transfer("b", BIG, Way.PUSH, "a")
    transfers.ended(push, "the link was cut")
    (refused,) = transfers.next(nodes)
    assert isinstance(refused, Refused)
    assert refused.reason == "b does not get model.gguf: the hub does not answer; the link was cut"
    assert transfers.next(nodes) == []
    transfers.want("b", [BIG])
    assert transfers.next(nodes) == [pull], "asked again, all ways are open again"


def test_what_cannot_come_is_refused_with_figures() -> None:
    transfers = Transfers()
    transfers.want("b", [BIG, SMALL])
    transfers.want("gone", [SMALL])
    full, none, silent = transfers.next(
        {"a": Holding(frozenset({BIG.identity})), "b": Holding(disk=10_000_000_000)}
    )
    assert isinstance(full, Refused)
    assert isinstance(none, Refused)
    assert isinstance(silent, Refused)
    assert full.reason == "b has no room on its disk for model.gguf: 40.0 GB, of 10.0 GB free there"
    assert none.reason == "b lacks config.json: it does not reach the hub, and no other node has it"
    assert silent.reason == "gone does not answer"


def test_what_has_no_hash_is_not_pushed() -> None:
    transfers = Transfers()
    transfers.want("b", [SMALL])
    (found,) = transfers.next({"a": Holding(frozenset({SMALL.identity})), "b": Holding(disk=ROOM)})
    assert isinstance(found, Refused)


def test_what_is_coming_counts_as_used_disk() -> None:
    transfers, more = Transfers(), ModelFile(f"{PLACE}/more.gguf", BIG.size, sha256="b" * 64)
    transfers.want("b", [BIG, more])
    first, second = transfers.next({"b": Holding(disk=BIG.size + 1, pulls=True)})
    assert isinstance(first, Transfer)
    assert isinstance(second, Refused)


def test_who_has_just_got_a_file_gives_it_on() -> None:
    """1,000 nodes, one of which has the file: rounds of transfers, as few as doubling and more allows."""
    names, transfers, rounds = [f"n{number:03}" for number in range(1000)], Transfers(), 0
    nodes = {name: Holding(disk=ROOM) for name in names} | {"n000": Holding(frozenset({BIG.identity}))}
    for name in names:
        transfers.want(name, [BIG])
    while begun := transfers.next(nodes):
        rounds += 1
        for one in begun:
            assert isinstance(one, Transfer)
            nodes[one.node] = Holding(frozenset({BIG.identity}), disk=ROOM)
            transfers.ended(one)
    assert all(holding.has(BIG) for holding in nodes.values())
    assert rounds == 7, "3 ** 7 > 1000"


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["want", "next", "fail", "end"])), max_size=40
    )
)
def test_no_file_comes_twice_at_once_and_no_giver_gives_too_much(steps: list[tuple[str, str]]) -> None:
    transfers, running = Transfers(), dict[str, Transfer]()
    nodes = {name: Holding(disk=ROOM, pulls=name == "d") for name in "bcd"} | {
        "a": Holding(frozenset({BIG.identity}))
    }
    for node, step in steps:
        match step:
            case "want":
                transfers.want(node, [BIG])
            case "next":
                for begun in transfers.next(nodes):
                    if isinstance(begun, Transfer):
                        assert begun.node not in running
                        assert not nodes[begun.node].has(BIG)
                        running[begun.node] = begun
            case _ if (one := running.pop(node, None)) is not None:
                transfers.ended(one, "broken" if step == "fail" else "")
                if step == "end":
                    nodes[node] = Holding(frozenset({BIG.identity}), disk=ROOM)
        assert set(transfers.running) == set(running.values())
        for giver in "abcd":
            assert sum(one.giver == giver for one in running.values()) <= GIVES
