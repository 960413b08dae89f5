"""What other threads ask of the one that owns a model: work that comes, is called off, or will not come."""

import threading
from collections import deque
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    @property
    def key(self) -> int: ...


W = TypeVar("W", bound=Keyed)


class Inbox(Generic[W]):
    """For any thread, but for what only the owner takes out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrived: deque[W] = deque()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self.closed = False

    def open(self, key: int) -> None:
        """Work with this key is on its way: it may be cancelled from now on."""
        with self._changed:
            self._open.add(key)

    def put(self, work: W) -> None:
        """Here it is."""
        with self._changed:
            self._arrived.append(work)
            self._changed.notify()

    def cancel(self, key: int) -> None:
        """It is not wanted any more."""
        with self._changed:
            if key in self._open:
                self._cancelled.add(key)

    def forget(self, key: int) -> None:
        """It will not come, or has ended."""
        with self._changed:
            self._open.discard(key)
            self._cancelled.discard(key)

    def close(self) -> None:
        """Nothing more is done."""
        with self._changed:
            self.closed = True
            self._changed.notify()

    # For the owner.

    @property
    def has_news(self) -> bool:
        """Whether something has arrived, or this is closed."""
        return bool(self._arrived) or self.closed

    @property
    def coming(self) -> set[int]:
        """The keys of what has arrived."""
        with self._changed:
            return {work.key for work in self._arrived}

    def wait(self) -> None:
        """Until there is news."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_news)

    def next_key(self) -> int | None:
        """Of what `take` gives next."""
        with self._changed:
            return self._arrived[0].key if self._arrived else None

    def take(self) -> W:
        """The next that has arrived."""
        with self._changed:
            return self._arrived.popleft()

    def cancelled(self) -> set[int]:
        """The keys of what is open and not wanted any more."""
        with self._changed:
            return set(self._cancelled)
