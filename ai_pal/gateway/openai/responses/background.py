"""Responses that go on without their client: it comes back for them, follows them, or has them cancelled, at
whichever process it asks."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from ai_pal.errors import AiPalError, Failure
from ai_pal.gateway.answering import sending
from ai_pal.gateway.answering.sending import failed_by, told
from ai_pal.gateway.asking.asked import Coming, Goes
from ai_pal.gateway.asking.put import done
from ai_pal.gateway.openai.chat_answer import event, progress
from ai_pal.gateway.openai.errors import error_of
from ai_pal.gateway.openai.responses.answer import ResponseStream
from ai_pal.gateway.openai.responses.recorded import Recorded
from ai_pal.gateway.openai.responses.underway import LOST, News, Underway
from ai_pal.logs import get_logger
from ai_pal.protocol import client as wire

SHARE = 0.2
"""Seconds between two times that what is under way is written down for the other processes."""

BEAT = LOST / 6
"""Seconds after which that it still lives is written down, though nothing has come."""

log = get_logger("ai_pal.gateway")


class Found(Protocol):
    """One in the background, here or at another process."""

    @property
    def response(self) -> dict[str, Any]: ...
    async def cancel(self) -> None: ...
    def follow(self, after: int) -> Goes: ...


class Running:
    """One response under way here. Its events are held as they went out, for who follows it; `owner` is the
    name of the key that has asked."""

    def __init__(self, name: str, owner: str, coming: Coming, writer: ResponseStream) -> None:
        self.name, self.owner = name, owner
        self._coming, self._writer = coming, writer
        self.pieces: list[bytes] = []
        self.over = False
        self.shared = 0
        self._changed, self._now = asyncio.Event(), asyncio.get_running_loop().time
        self._due = self._now() + sending.ALIVE
        self._add(writer.queued())
        self._task = asyncio.create_task(self._run())

    @property
    def response(self) -> dict[str, Any]:
        """As it stands now."""
        return self._writer.now()

    @property
    def news(self) -> News:
        """What the others have not been told."""
        return News(self.name, self.response, self.shared, self.pieces[self.shared :], self.over)

    async def cancel(self) -> None:
        """Stop it; what has come of it is kept."""
        if not self.over:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def follow(self, after: int) -> Goes:
        """Its events behind this one."""
        return Follower(self, after)

    async def changed(self, seen: int) -> None:
        """Wait until there is more than so many pieces, or no more to come."""
        while len(self.pieces) <= seen and not self.over:
            self._changed.clear()
            await self._changed.wait()

    async def _run(self) -> None:
        try:
            while not self._coming.over:
                write = partial(self._writer.events, await self._batch())
                self._add(await done(write) if self._coming.over else write())
                if not self._coming.over and self._now() >= self._due:
                    self._add(self._writer.goes_on())
        except AiPalError as error:
            self._add(self._writer.broken(told(error)))
        except asyncio.CancelledError:
            self._add(self._writer.cancelled())
        except Exception as error:
            log.exception("response_failed")
            self._add(self._writer.broken(failed_by(error)))
        finally:
            self.over = True
            self._changed.set()
            await self._coming.aclose()

    async def _batch(self) -> list[Any]:
        """What has come; nothing where all were silent for long, so that who follows hears of it."""
        alarm = asyncio.get_running_loop().call_at(self._due, self._coming.nudge)
        try:
            return await self._coming.batch()
        finally:
            alarm.cancel()

    def _add(self, data: bytes) -> None:
        pieces = [piece + b"\n\n" for piece in data.split(b"\n\n") if piece]
        if pieces:
            self._due = self._now() + sending.ALIVE
        self.pieces += pieces
        self._changed.set()


class Follower:
    """The events of one that is or was under way, behind one of them: a stream that ends with it. Who leaves
    only stops following."""

    def __init__(self, running: Running, after: int) -> None:
        self._running, self._seen, self._nudged = running, after + 1, asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the last one has been read."""
        return self._running.over and self._seen >= len(self._running.pieces)

    async def batch(self) -> list[Any]:
        """What has come since; nothing only where somebody has called `nudge`."""
        waits = [
            asyncio.ensure_future(self._running.changed(self._seen)),
            asyncio.ensure_future(self._nudged.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        self._nudged.clear()
        found = self._running.pieces[self._seen :]
        self._seen += len(found)
        return found

    def nudge(self) -> None:
        """Wake who waits."""
        self._nudged.set()

    def cancel(self) -> None:
        """It goes on."""

    async def aclose(self) -> None:
        """It goes on."""


class Verbatim:
    """Writes the events of a follower, which are written already."""

    media_type = "text/event-stream"

    def events(self, events: Sequence[Any]) -> bytes:
        """As they are."""
        return b"".join(events)

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A comment, which every reader of events passes over."""
        return f": {progress(latest)}\n\n".encode()

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest."""
        return event(error_of(failure))


class Background:
    """Those under way here, by their ids, and a look at those of the other processes. On the loop."""

    def __init__(self, underway: Underway) -> None:
        self._underway = underway
        self._running: dict[str, Running] = {}
        self._sharing: asyncio.Task[None] | None = None

    def start(
        self,
        name: str,
        owner: str,
        coming: Callable[[], Coming],
        writer: ResponseStream,
        items: Sequence[dict[str, Any]] = (),
    ) -> Running:
        """Begin one, with this input of its own. Raises `AiPalError` (`overloaded`): there are too many."""
        begun = coming()
        try:
            self._underway.begin(name, owner, writer.now(), items)
        except AiPalError:
            begun.cancel()
            raise
        self._running[name] = running = Running(name, owner, begun, writer)
        if self._sharing is None or self._sharing.done():
            self._sharing = asyncio.create_task(self._share())
        return running

    async def get(self, name: str, owner: str) -> Found | None:
        """The one of this id and owner, under way or over since not long."""
        running = self._running.get(name)
        if running is not None:
            return running if running.owner == owner else None
        state = await asyncio.to_thread(self._underway.state, name, owner)
        return None if state is None else Recorded(self._underway, name, owner, state)

    async def items(self, name: str, owner: str) -> list[dict[str, Any]] | None:
        """The input of the one of this id and owner."""
        return await asyncio.to_thread(self._underway.items, name, owner)

    def forget(self, name: str) -> None:
        """It is deleted."""
        self._running.pop(name, None)

    async def _share(self) -> None:
        """While any is under way, tell the others how it stands, and stop those that are not wanted."""
        now, told_at = asyncio.get_running_loop().time, 0.0
        while self._running:
            await asyncio.sleep(SHARE)
            news = [one.news for one in self._running.values()]
            if now() - told_at < BEAT:
                news = [one for one in news if one.events or one.over]
            try:
                if news:
                    await asyncio.to_thread(self._underway.tell, news)
                    told_at = now()
                unwanted = await asyncio.to_thread(self._underway.unwanted)
            except AiPalError as error:  # a disk that is full: here it can still be asked for
                log.warning("response_not_shared", code=str(error.code), reason=error.failure.message)
                continue
            for one in news:
                if running := self._running.get(one.name):  # it may have been deleted meanwhile
                    running.shared += len(one.events)
                    if one.over:
                        del self._running[one.name]
            for name in unwanted & self._running.keys():
                await self._running[name].cancel()
