"""What waits for the supervisor."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ai_pal.egress.outbox import WAITING_LIMIT, Outbox
from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.usage import Usage

pytestmark = pytest.mark.anyio


class Supervisor:
    """Takes messages while it is `open`."""

    def __init__(self) -> None:
        self.open = True
        self.messages: list[list[out.AnyFromEgress]] = []

    def send(self, frames: Sequence[bytes]) -> bool:
        if self.open:
            self.messages.append([out.decode_from_egress(frame) for frame in frames])
        return self.open


async def test_pieces_that_wait_together_go_out_as_one_and_all_in_one_message() -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    outbox.put(out.CompletionConnected(1))
    outbox.put(out.CompletionDelta(1, 0, 1, "a"))
    outbox.put(out.CompletionDelta(2, 5, 1, "x"))
    outbox.put(out.CompletionDelta(1, 1, 2, "bc"))
    outbox.put(out.CompletionDone(1, 3))
    await asyncio.sleep(0)
    connected, text, other, done = supervisor.messages[0]
    assert (connected, done) == (out.CompletionConnected(1), out.CompletionDone(1, 3))
    assert text == out.CompletionDelta(1, 0, 3, "abc")
    assert other == out.CompletionDelta(2, 5, 1, "x")


async def test_nothing_overtakes_while_the_supervisor_takes_nothing() -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    supervisor.open = False
    outbox.put(out.CompletionDelta(1, 0, 1, "a"))
    await asyncio.sleep(0)
    assert outbox.stuck
    outbox.put(out.CompletionDelta(1, 1, 1, "b"))
    outbox.put(out.CompletionDone(1, 2))
    supervisor.open = True
    outbox.flush()
    heard = [message for batch in supervisor.messages for message in batch]
    assert heard == [
        out.CompletionDelta(1, 0, 1, "a"),
        out.CompletionDelta(1, 1, 1, "b"),
        out.CompletionDone(1, 2),
    ]


async def test_a_stream_waits_while_too_much_of_it_waits() -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    supervisor.open = False
    outbox.put(out.CompletionDelta(1, 0, 1, "x" * WAITING_LIMIT))
    waiting = asyncio.create_task(outbox.room(1))
    other = asyncio.create_task(outbox.room(2))
    async with asyncio.timeout(5):
        await other
    assert not waiting.done()
    supervisor.open = True
    outbox.flush()
    async with asyncio.timeout(5):
        await waiting


STRANGE: list[dict[str, Any]] = [
    {"prompt_tokens": "many"},
    {"prompt_tokens": 10**30},
    {"completion_tokens": 7.5},
]


@pytest.mark.parametrize("said", STRANGE)
async def test_what_the_supervisor_could_not_read_ends_its_own_completion_only(said: dict[str, Any]) -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    outbox.put(out.CompletionDelta(1, 0, 1, "a"))
    outbox.put(out.CompletionDone(2, 3, "stop", Usage(**said)))
    outbox.put(out.CompletionDone(1, 1))
    await asyncio.sleep(0)
    text, failed, done = supervisor.messages[0]
    assert isinstance(failed, out.CompletionFailed)
    assert (failed.key, failed.failure.code) == (2, Code.STREAM_BROKEN)
    assert (text, done) == (out.CompletionDelta(1, 0, 1, "a"), out.CompletionDone(1, 1))


async def test_pieces_of_parts_that_grow_side_by_side_keep_their_order() -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    pieces = [
        out.CompletionDelta(1, 0, 1, "hm", "reasoning", 0),
        out.CompletionDelta(1, 1, 1, "", "reasoning", 0, signature="s"),
        out.CompletionDelta(1, 2, 1, "b", "reasoning", 1),
        out.CompletionDelta(1, 3, 1, "", "tool_call", 2, "a", "f"),
        out.CompletionDelta(1, 4, 1, "{", "tool_call", 2),
        out.CompletionDelta(1, 5, 1, "", "tool_call", 3, "b", "g"),
        out.CompletionDelta(1, 6, 1, "}", "tool_call", 2),
        out.CompletionDelta(1, 7, 1, "{}", "tool_call", 3),
    ]
    for piece in pieces:
        outbox.put(piece)
    await asyncio.sleep(0)
    assert supervisor.messages[0] == [
        out.CompletionDelta(1, 0, 2, "hm", "reasoning", 0, signature="s"),
        out.CompletionDelta(1, 2, 1, "b", "reasoning", 1),
        out.CompletionDelta(1, 3, 2, "{", "tool_call", 2, "a", "f"),
        out.CompletionDelta(1, 5, 1, "", "tool_call", 3, "b", "g"),
        out.CompletionDelta(1, 6, 1, "}", "tool_call", 2),
        out.CompletionDelta(1, 7, 1, "{}", "tool_call", 3),
    ]


async def test_probabilities_come_behind_the_text_that_they_are_of() -> None:
    supervisor = Supervisor()
    outbox = Outbox(supervisor.send)
    likely = out.CompletionLogprobs(1, 0, [TokenLogprob(b"a", -0.5)])
    for message in (out.CompletionDelta(1, 0, 1, "a"), likely, out.CompletionDelta(1, 1, 1, "b")):
        outbox.put(message)
    await asyncio.sleep(0)
    assert supervisor.messages[0] == [
        out.CompletionDelta(1, 0, 1, "a"),
        likely,
        out.CompletionDelta(1, 1, 1, "b"),
    ]
