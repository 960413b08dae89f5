"""The egress process's one owner loop: its socket, its downloads, its completions, its beat."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from ai_pal import __version__
from ai_pal.egress.asking_hub import ask_hub
from ai_pal.egress.channel import DealerChannel
from ai_pal.egress.completing import Completing
from ai_pal.egress.fetching import Fetching
from ai_pal.egress.listing import list_models
from ai_pal.egress.outbox import Outbox
from ai_pal.egress.providers import Providers
from ai_pal.egress.providers.base import Adapters
from ai_pal.egress.report import report
from ai_pal.protocol.egress import (
    AnyToEgress,
    AskRevisions,
    CancelCompletion,
    CancelFetch,
    Complete,
    EgressBeat,
    EgressHello,
    Fetch,
    FromEgress,
    HubQuestion,
    ListModels,
    SearchHub,
    decode_to_egress,
)
from ai_pal.protocol.frames import frames_behind
from ai_pal.transport import parent_death
from ai_pal.transport.run_files import via

BEAT_SECONDS = 1.0
THREADS = 64
"""For looking up names and importing SDKs: one name server that is silent must not hold up the others."""

LOOK_SECONDS = 0.1
"""Between two looks at the downloads."""

MakeAdapters = Callable[[Callable[[FromEgress], None]], Adapters]
"""Makes them; what it is given takes what they have to say beside answers."""


def run(endpoint: str, identity: str, parent: int, adapters: MakeAdapters | None = None) -> int:
    """Serve until the supervisor is gone; returns the exit code. Providers are asked unless others are."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_report)
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    make = adapters or (lambda tell: Providers(via(endpoint)))
    loop.run_until_complete(Egress(parent, make).serve(endpoint, identity))
    return 0


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody caught: where it was, not what it says. Logging is off here."""
    report(context.get("exception"), context["message"])


class Egress:
    """Everything here runs on the main thread; each download has a thread of its own, each completion a
    task."""

    def __init__(self, parent: int, make: MakeAdapters) -> None:
        self._parent, self._make = parent, make
        self._fetching: dict[int, Fetching] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._questions: set[asyncio.Task[None]] = set()
        self._outbox: Outbox
        self._adapters: Adapters

    async def serve(self, endpoint: str, identity: str) -> None:
        """Return when the supervisor is gone."""
        gone = asyncio.Event()
        channel = DealerChannel(endpoint, identity, receive=self._take, looked=self._looked, lost=gone.set)
        self._outbox = Outbox(channel.send)
        self._adapters = self._make(self._outbox.put)
        self._outbox.put(EgressHello(os.getpid(), __version__))
        owned = [
            asyncio.create_task(work, name=name)
            for name, work in (("gone", gone.wait()), ("beat", self._beat()), ("look", self._look()))
        ]
        ended, _ = await asyncio.wait(owned, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()

    async def _beat(self) -> None:
        while not parent_death.orphaned(self._parent):
            if self._outbox.stuck:
                self._outbox.flush()
            else:
                self._outbox.put(EgressBeat())
            await asyncio.sleep(BEAT_SECONDS)

    async def _look(self) -> None:
        """Tell how far the downloads are."""
        while True:
            await asyncio.sleep(LOOK_SECONDS if self._fetching else BEAT_SECONDS)
            if self._outbox.stuck:
                continue
            for key, fetching in list(self._fetching.items()):
                outcome, news = fetching.outcome, fetching.news()
                if news is not None:
                    self._outbox.put(news)
                if outcome is not None:
                    del self._fetching[key]
                    self._outbox.put(outcome)

    def _looked(self) -> None:
        if self._outbox.stuck:
            self._outbox.flush()

    def _take(self, frames: Sequence[memoryview]) -> None:
        """One message: requests, and behind one with attachments the frames that hold them."""
        left = list(frames)
        while left:
            try:
                message = decode_to_egress(left.pop(0))
            except msgspec.DecodeError as error:
                sys.exit(f"the supervisor sent what cannot be read: {error}")
            blobs: list[memoryview] = []
            if isinstance(message, Complete):
                behind = frames_behind(message.messages)
                blobs, left = left[:behind], left[behind:]
            self._handle(message, blobs)

    def _handle(self, message: AnyToEgress, blobs: Sequence[memoryview]) -> None:
        match message:
            case Fetch():
                self._fetching[message.key] = Fetching(message)
            case CancelFetch():
                fetching = self._fetching.pop(message.key, None)
                if fetching is not None:
                    fetching.cancel()
            case Complete():
                completing = Completing(message, self._adapters, self._outbox, blobs)
                self._begin(message.key, completing.run())
            case ListModels():
                self._begin(message.key, list_models(message, self._adapters, self._outbox))
            case SearchHub() | AskRevisions():
                self._ask(message)
            case CancelCompletion():
                task = self._tasks.pop(message.key, None)
                if task is not None:
                    task.cancel()

    def _ask(self, question: HubQuestion) -> None:
        """Its numbers are those of another actor than completions'."""
        task = asyncio.create_task(ask_hub(question, self._outbox), name=f"question {question.key}")
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    def _begin(self, key: int, work: Coroutine[None, None, None]) -> None:
        task = self._tasks[key] = asyncio.create_task(work, name=f"completion {key}")
        task.add_done_callback(lambda ended: self._ended(key, ended))

    def _ended(self, key: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.result()  # nothing is expected: the loop's handler reports it
