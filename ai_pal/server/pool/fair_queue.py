"""A bounded queue that is fair over clients: each client in turn, each client's requests in order."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round robin over owners. `limit` bounds the items of all owners together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: OrderedDict[Hashable, deque[T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def full(self) -> bool:
        return self._size >= self._limit

    def push(self, owner: Hashable, item: T) -> None:
        """Append. Raises OverflowError when the queue is full."""
        if self.full:
            raise OverflowError("the queue is full")
        self._lines.setdefault(owner, deque()).append(item)
        self._size += 1

    def push_front(self, owner: Hashable, item: T) -> None:
        """Put back something that had its turn already: next of all, past the limit if need be."""
        self._lines.setdefault(owner, deque()).appendleft(item)
        self._lines.move_to_end(owner, last=False)
        self._size += 1

    def pop(self) -> T:
        """The next item; its owner goes to the end of the round. Raises IndexError when empty."""
        if not self._lines:
            raise IndexError("the queue is empty")
        owner, line = next(iter(self._lines.items()))
        item = line.popleft()
        if line:
            self._lines.move_to_end(owner)
        else:
            del self._lines[owner]
        self._size -= 1
        return item

    def remove(self, owner: Hashable, item: T) -> bool:
        """Take one item out, wherever it stands; False when it is not there."""
        line = self._lines.get(owner)
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[owner]
        self._size -= 1
        return True

    def __iter__(self) -> Iterator[T]:
        """The items in the order in which `pop` would give them."""
        lines = [deque(line) for line in self._lines.values()]
        while lines:
            for line in lines:
                yield line.popleft()
            lines = [line for line in lines if line]
