"""What other threads hand to the one that owns a model: none is lost, and only what is open is cancelled."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from workers.engines.transformers.batch.inbox import Inbox


class Work(NamedTuple):
    key: int


def test_what_arrives_is_taken_in_its_order() -> None:
    inbox: Inbox[Work] = Inbox()
    assert not inbox.has_news
    for key in (2, 1):
        inbox.open(key)
        inbox.put(Work(key))
    assert (inbox.has_news, inbox.coming, inbox.next_key()) == (True, {1, 2}, 2)
    assert [inbox.take().key, inbox.take().key] == [2, 1]
    assert (inbox.has_news, inbox.coming, inbox.next_key()) == (False, set(), None)


def test_only_what_is_open_can_be_cancelled() -> None:
    inbox: Inbox[Work] = Inbox()
    inbox.cancel(1)
    inbox.open(1)
    assert inbox.cancelled() == set()
    inbox.cancel(1)  # on its way still
    assert inbox.cancelled() == {1}
    inbox.forget(1)
    inbox.cancel(1)
    assert inbox.cancelled() == set()


def test_who_waits_is_woken_by_work_and_by_the_end() -> None:
    inbox: Inbox[Work] = Inbox()
    acts: list[Callable[[], None]] = [lambda: inbox.put(Work(1)), inbox.close]
    for act in acts:
        waiting = threading.Thread(target=inbox.wait)
        waiting.start()
        act()
        waiting.join(60)
        assert not waiting.is_alive()
        if inbox.coming:
            inbox.take()
    assert inbox.closed
