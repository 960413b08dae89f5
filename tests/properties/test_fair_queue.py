"""The fair queue against a model: a plain list that is always taken apart in the slow, obvious way."""

import contextlib
import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ai_pal.server.pool.jobs.fair_queue import FairQueue

owners, principals = st.sampled_from("ABC"), st.sampled_from(["", "x", "y"])


class QueueModel(RuleBasedStateMachine):
    """`lines` are the items by owner and principal, `order` whose turn it is, `within` that in each owner."""

    @initialize(limit=st.integers(1, 8))
    def begin(self, limit: int) -> None:
        self.limit, self.queue = limit, FairQueue[int](limit)
        self.lines: dict[tuple[str, str], list[int]] = {}
        self.order: list[str] = []
        self.within: dict[str, list[str]] = {}
        self.next = 0

    @rule(owner=owners, principal=principals)
    def push(self, owner: str, principal: str) -> None:
        full = self._full_for(owner, principal)
        assert self.queue.full_for(owner, principal) == full
        try:
            self.queue.push(owner, self.next, principal)
        except OverflowError:
            assert full
            return
        assert not full
        self._join(owner, principal)
        self.lines[owner, principal].append(self.next)
        self.next += 1

    @rule(owner=owners, principal=principals)
    def push_front(self, owner: str, principal: str) -> None:
        self.queue.push_front(owner, self.next, principal)
        self._join(owner, principal)
        self.lines[owner, principal].insert(0, self.next)
        for order, name in ((self.order, owner), (self.within[owner], principal)):
            order.remove(name)
            order.insert(0, name)
        self.next += 1

    @rule()
    def pop(self) -> None:
        if not self.order:
            assert not self.queue
            return
        assert self.queue.pop() == _turn(self.lines, self.order, self.within)

    @rule(owner=owners, principal=principals, position=st.integers(0, 5))
    def remove(self, owner: str, principal: str, position: int) -> None:
        line = self.lines.get((owner, principal), [])
        item = line[position] if position < len(line) else -1
        assert self.queue.remove(owner, item, principal) == (item in line)
        if item in line:
            line.remove(item)
            if not line:
                self.within[owner].remove(principal)
            if not self.within[owner]:
                self.order.remove(owner)

    @invariant()
    def the_size_is_right(self) -> None:
        assert len(self.queue) == sum(map(len, self.lines.values()))

    @invariant()
    def looking_through_it_shows_the_order_of_the_turns(self) -> None:
        lines, order, within = copy.deepcopy((self.lines, self.order, self.within))
        expected = []
        while order:
            expected.append(_turn(lines, order, within))
        assert list(self.queue) == expected

    def _full_for(self, owner: str, principal: str) -> bool:
        size, mine = len(self.queue), [key for key, line in self.lines.items() if key[0] == owner and line]
        clients = len({key[0] for key, line in self.lines.items() if line} | {owner})
        share = max(1, self.limit // clients)
        below = sum(len(self.lines[key]) for key in mine) < share
        names = len({*mine, (owner, principal)})
        its_own = max(1, self.limit // (clients * names))
        below_there = len(self.lines.get((owner, principal), [])) < its_own
        room = size < self.limit or (below and size < self.limit * 2)
        return not (room or (below_there and size < self.limit + self.limit // 2))

    def _join(self, owner: str, principal: str) -> None:
        if not self.within.setdefault(owner, []):
            self.order.append(owner)
        if not self.lines.setdefault((owner, principal), []):
            self.within[owner].append(principal)


def _turn(lines: dict[tuple[str, str], list[int]], order: list[str], within: dict[str, list[str]]) -> int:
    """The next item; who had the turn goes to the end."""
    owner = order.pop(0)
    principal = within[owner].pop(0)
    item = lines[owner, principal].pop(0)
    if lines[owner, principal]:
        within[owner].append(principal)
    if within[owner]:
        order.append(owner)
    return item


QueueModel.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestQueueModel = QueueModel.TestCase


@given(st.lists(st.tuples(owners, principals), max_size=40))
def test_a_client_has_no_more_turns_for_asking_in_many_names(pushed: list[tuple[str, str]]) -> None:
    named, plain = FairQueue[str](1000), FairQueue[str](1000)
    for owner, principal in pushed:
        named.push(owner, owner, principal)
        plain.push(owner, owner)
    assert list(named) == list(plain)


@given(st.lists(principals, max_size=40))
def test_within_one_client_everybody_it_asks_for_has_turns_in_the_same_way(pushed: list[str]) -> None:
    within, between = FairQueue[tuple[str, int]](1000), FairQueue[tuple[str, int]](1000)
    for number, principal in enumerate(pushed):
        within.push("gateway", (principal, number), principal)
        between.push(principal, (principal, number))
    assert list(within) == list(between)


@given(st.lists(st.tuples(owners, principals), max_size=80), st.integers(1, 12))
def test_who_has_nothing_in_it_gets_in_however_much_others_ask(
    asked: list[tuple[str, str]], limit: int
) -> None:
    queue = FairQueue[tuple[str, str]](limit)
    for one in asked:
        with contextlib.suppress(OverflowError):
            queue.push(one[0], one, one[1])
    assert len(queue) <= 2 * limit
    for owner in "ABC":
        if not [one for one in queue if one[0] == owner] and limit >= 3:
            assert not queue.full_for(owner), "a client"
    for owner, principal in set(queue):
        if limit >= 9 and not [one for one in queue if one == (owner, "z")]:
            alone = {one[0] for one in queue} == {owner}
            assert not (alone and queue.full_for(owner, "z")), f"beside {principal!r} of the same client"


def test_who_asks_alone_has_no_more_than_the_limit() -> None:
    queue = FairQueue[int](4)
    for number in range(4):
        queue.push("A", number)
    assert queue.full_for("A")
    queue.push("B", 4)
    queue.push("B", 5)
    assert queue.full_for("B"), "it has its half"
    queue.push("C", 6)
    assert queue.full_for("C"), "it has its third"
    queue.push("D", 7)
    assert queue.full_for("E"), "twice as many wait"


def test_who_makes_names_up_leaves_room_for_others() -> None:
    queue = FairQueue[int](8)
    for number in range(100):
        with contextlib.suppress(OverflowError):
            queue.push("A", number, f"name {number}")
    assert len(queue) == 12
    assert not queue.full_for("B")


@given(st.lists(owners, max_size=40))
def test_between_two_turns_of_one_client_every_other_waiting_one_has_a_turn(pushed: list[str]) -> None:
    queue = FairQueue[tuple[str, int]](1000)
    for number, owner in enumerate(pushed):
        queue.push(owner, (owner, number))
    turns = [queue.pop() for _ in range(len(queue))]
    for index, (owner, _) in enumerate(turns):
        last = max((i for i in range(index) if turns[i][0] == owner), default=None)
        if last is not None:
            between = {turn[0] for turn in turns[last + 1 : index]}
            assert between >= {turn[0] for turn in turns[index:]} - {owner}


@given(st.lists(owners, max_size=40))
def test_each_clients_requests_keep_their_order(pushed: list[str]) -> None:
    queue = FairQueue[tuple[str, int]](1000)
    for number, owner in enumerate(pushed):
        queue.push(owner, (owner, number))
    turns = [queue.pop() for _ in range(len(queue))]
    for owner in set(pushed):
        numbers = [number for who, number in turns if who == owner]
        assert numbers == sorted(numbers)
