"""Full queues, several clients, deadlines (promise 9)."""

import time
from collections.abc import Callable

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from tests.process.answers import ask, assert_exact_prefix, end_of, slow, until
from tests.process.eventually import allowed
from tests.process.supervised import Supervised

Supervise = Callable[..., Supervised]
ONE_SLOT = "echo?slots=1"
SHED_SECONDS = 0.5
"""50 ms is promised; the rest is for a test machine that does other things too."""


def test_a_full_queue_refuses_at_once_and_what_was_accepted_goes_on(supervise: Supervise) -> None:
    with supervise(queue_size=2).client() as client:
        first = ask(client, ONE_SLOT)
        heard = until(iter(first), wire.Delta)
        waiting = [ask(client, ONE_SLOT, tokens=2) for _ in range(2)]
        asked = time.monotonic()
        refused = list(ask(client, ONE_SLOT))
        assert time.monotonic() - asked < allowed(SHED_SECONDS)
        reason = end_of(refused, wire.Failed).reasons[0]
        assert (reason.code, reason.retryable) == (Code.OVERLOADED, True)
        assert reason.retry_after
        assert not [event for event in refused if isinstance(event, wire.Accepted)]
        heard += until(iter(first), wire.Delta)
        first.cancel()
        heard += list(first)
        end_of(heard, wire.Cancelled)
        assert_exact_prefix(heard)
        for stream in waiting:
            end_of(list(stream), wire.Done)


def test_a_second_client_does_not_wait_for_all_of_the_first(supervise: Supervise) -> None:
    daemon = supervise()
    with daemon.client() as greedy, daemon.client() as modest:
        many = [ask(greedy, ONE_SLOT) for _ in range(10)]
        one = None
        for stream in many[:2]:  # each ends when it is told to
            until(iter(stream), wire.Delta)
            if one is None:
                one = ask(modest, ONE_SLOT, tokens=1)
                assert until(iter(one), wire.Queued)[-1] == wire.Queued(one.id, 2)
            stream.cancel()
        assert one is not None
        end_of(list(one.within(60)), wire.Done)  # or it waits for more than its turn
        assert greedy.status().workers[0].queued >= 7


def test_a_deadline_in_mid_answer_interrupts(supervise: Supervise) -> None:
    with supervise().client() as client:
        list(client.load("echo"))
        stream = client.chat("one two", model="echo", options=slow(), deadline=1.0)
        events = list(stream)
        assert end_of(events, wire.Interrupted).reason.code == Code.DEADLINE_EXCEEDED
        assert_exact_prefix(events, "one two")
        assert client.ask("still here", model="echo").text == "still here "


def test_a_deadline_before_the_first_content_fails(supervise: Supervise) -> None:
    with supervise().client() as client:
        events = list(client.chat("one two", model="echo?load_seconds=600", deadline=0.3))
        assert end_of(events, wire.Failed).reasons[0].code == Code.DEADLINE_EXCEEDED
