"""The fair queue against a model: a plain list that is always taken apart in the slow, obvious way."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ai_pal.server.pool.fair_queue import FairQueue

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
        full = len(self.queue) >= self.limit
        assert self.queue.full == full
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
