"""The fair queue against a model: a plain list that is always taken apart in the slow, obvious way."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ai_pal.server.pool.fair_queue import FairQueue

owners = st.sampled_from("ABCD")


class QueueModel(RuleBasedStateMachine):
    """`lines` is each owner's line, `order` whose turn it is."""

    @initialize(limit=st.integers(1, 8))
    def begin(self, limit: int) -> None:
        self.limit, self.queue = limit, FairQueue[int](limit)
        self.lines: dict[str, list[int]] = {}
        self.order: list[str] = []
        self.next = 0

    @rule(owner=owners)
    def push(self, owner: str) -> None:
        full = len(self.queue) >= self.limit
        assert self.queue.full == full
        try:
            self.queue.push(owner, self.next)
        except OverflowError:
            assert full
            return
        assert not full
        self._join(owner)
        self.lines[owner].append(self.next)
        self.next += 1

    @rule(owner=owners)
    def push_front(self, owner: str) -> None:
        self.queue.push_front(owner, self.next)
        self._join(owner)
        self.lines[owner].insert(0, self.next)
        self.order.remove(owner)
        self.order.insert(0, owner)
        self.next += 1

    @rule()
    def pop(self) -> None:
        if not self.order:
            assert not self.queue
            return
        owner = self.order.pop(0)
        assert self.queue.pop() == self.lines[owner].pop(0)
        if self.lines[owner]:
            self.order.append(owner)

    @rule(owner=owners, position=st.integers(0, 5))
    def remove(self, owner: str, position: int) -> None:
        line = self.lines.get(owner, [])
        item = line[position] if position < len(line) else -1
        assert self.queue.remove(owner, item) == (item in line)
        if item in line:
            line.remove(item)
            if not line:
                self.order.remove(owner)

    @invariant()
    def the_size_is_right(self) -> None:
        assert len(self.queue) == sum(map(len, self.lines.values()))

    @invariant()
    def looking_through_it_shows_the_order_of_the_turns(self) -> None:
        lines, order = {owner: list(line) for owner, line in self.lines.items()}, list(self.order)
        expected = []
        while order:
            owner = order.pop(0)
            expected.append(lines[owner].pop(0))
            if lines[owner]:
                order.append(owner)
        assert list(self.queue) == expected

    def _join(self, owner: str) -> None:
        if not self.lines.setdefault(owner, []):
            self.order.append(owner)


QueueModel.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestQueueModel = QueueModel.TestCase


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
