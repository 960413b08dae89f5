"""A bounded queue that is fair over clients, and within each client over those for whom it asks: everybody in
turn, each one's requests in order. Nobody can fill it for all the others."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round robin over owners, and over the principals of each: who asks for many has no more turns than one
    who asks for itself. `limit` bounds the items of all together; beyond it, and up to twice as many, only
    those get in who have less than their share."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._owners: OrderedDict[Hashable, OrderedDict[str, deque[T]]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def full_for(self, owner: Hashable, principal: str = "") -> bool:
        """Whether it takes nothing more of this one. A share is that of as many as have something in it;
        principals get half as far beyond the limit as owners do, for their names may be made up."""
        if self._size < self._limit:
            return False
        if self._size >= 2 * self._limit:
            return True
        mine: Mapping[str, deque[T]] = self._owners.get(owner, {})
        owners, principals = len(self._owners.keys() | {owner}), len(mine.keys() | {principal})
        if sum(map(len, mine.values())) < max(1, self._limit // owners):
            return False
        beyond = self._size >= self._limit + self._limit // 2
        return beyond or len(mine.get(principal, ())) >= max(1, self._limit // (owners * principals))

    def push(self, owner: Hashable, item: T, principal: str = "") -> None:
        """Append. Raises OverflowError when the queue is full for this one."""
        if self.full_for(owner, principal):
            raise OverflowError("the queue is full")
        self._owners.setdefault(owner, OrderedDict()).setdefault(principal, deque()).append(item)
        self._size += 1

    def push_front(self, owner: Hashable, item: T, principal: str = "") -> None:
        """Put back something that had its turn already: next of all, past the limit if need be."""
        principals = self._owners.setdefault(owner, OrderedDict())
        principals.setdefault(principal, deque()).appendleft(item)
        principals.move_to_end(principal, last=False)
        self._owners.move_to_end(owner, last=False)
        self._size += 1

    def pop(self) -> T:
        """The next item; its owner goes to the end of the round, and its principal to that of the owner's.
        Raises IndexError when empty."""
        if not self._owners:
            raise IndexError("the queue is empty")
        owner, principals = next(iter(self._owners.items()))
        principal, line = next(iter(principals.items()))
        item = line.popleft()
        principals.move_to_end(principal)
        self._owners.move_to_end(owner)
        self._taken(owner, principal)
        return item

    def remove(self, owner: Hashable, item: T, principal: str = "") -> bool:
        """Take one item out, wherever it stands; False when it is not there."""
        principals = self._owners.get(owner)
        line = None if principals is None else principals.get(principal)
        if line is None or item not in line:
            return False
        line.remove(item)
        self._taken(owner, principal)
        return True

    @property
    def heads(self) -> Iterator[T]:
        """The first of each one's, in no order that matters: whoever waits longest is among them."""
        return (line[0] for principals in self._owners.values() for line in principals.values())

    def __iter__(self) -> Iterator[T]:
        """The items in the order in which `pop` would give them."""
        rounds = FairQueue[T](self._limit)
        rounds._size = self._size
        for owner, principals in self._owners.items():
            rounds._owners[owner] = OrderedDict((name, deque(line)) for name, line in principals.items())
        while rounds:
            yield rounds.pop()

    def _taken(self, owner: Hashable, principal: str) -> None:
        """One item has gone: nothing empty stays."""
        self._size -= 1
        principals = self._owners[owner]
        if not principals[principal]:
            del principals[principal]
        if not principals:
            del self._owners[owner]
