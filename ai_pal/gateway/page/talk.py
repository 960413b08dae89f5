"""An answer for pages: it goes on whoever looks, and what has come of it is kept while it comes."""

import asyncio
import copy
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.async_stream import AsyncAnswerStream
from ai_pal.config import Settings, load_settings
from ai_pal.config.presets import Preset, load_preset
from ai_pal.conversations.model import Conversation
from ai_pal.conversations.receipts import LOCAL_TIER
from ai_pal.conversations.recorder import Recorder
from ai_pal.errors import AiPalError, Code, Failure, worth_telling
from ai_pal.gateway.answering.sending import told
from ai_pal.gateway.asking import presets
from ai_pal.gateway.page import questions
from ai_pal.gateway.page.events import failure_of
from ai_pal.gateway.page.following import Followable
from ai_pal.gateway.page.history import History
from ai_pal.gateway.page.kept_turn import add_turn
from ai_pal.gateway.page.questions import Place, Question
from ai_pal.gateway.page.shown import Shown
from ai_pal.gateway.page.writer import own
from ai_pal.logs import get_logger
from ai_pal.protocol import client as wire

QUIET, THERE = 3.0, 2.0
"""Seconds without news after which the supervisor is asked whether it is there, and that it has to say so."""

STOPS = 3.0
"""Seconds that an answer has to end once it is to stop."""

SAVED = 2.0
"""Seconds between two times that what has come is kept: no more is lost when this process is killed."""

log = get_logger("ai_pal.gateway")

Find = Callable[[int, int], "Talk | None"]
"""The latest answer of a conversation at this place, as far as it is known here."""


class Talk(Followable):
    """One answer. `conversation` is where it is kept, as far as that is known, `at` its place there, and
    `title` its question."""

    def __init__(self, asked: Question, client: AsyncClient, history: History, find: Find) -> None:
        from ai_pal.gateway.page.markdown import block_parser

        self.name = secrets.token_urlsafe(12)
        self.shown, self.watchers = Shown(block_parser()), set()
        self.conversation = asked.conversation if asked.how == "new" else 0
        self.title, self.at = asked.title, -1
        self._asked, self._client, self._history, self._find = asked, client, history, find
        self._rated = False
        self._loop = asyncio.get_running_loop()
        self._stream: AsyncAnswerStream | None = None
        self._ends_at: float | None = None
        self._grown = asyncio.Event()
        self._warnings: list[str] = []
        self.task = asyncio.create_task(self._run())

    @property
    def over(self) -> bool:
        return self.shown.closed is not None

    def stop(self) -> None:
        """End it; what has come of it is kept. A supervisor that does not hear it is not waited for."""
        if self._ends_at is None:
            self._ends_at = self._loop.time() + STOPS
        if self._stream is not None:
            self._stream.cancel()
            self._stream.nudge()

    async def rate(self, *, good: bool) -> bool:
        """Say once whether it was good. True: something was learned of it."""
        started, rated, self._rated = self.shown.started, self._rated, True
        if rated or started is None:
            return False
        with suppress(AiPalError):  # an opinion is worth no failure
            return await self._client.rate(started.id, good)
        return False

    async def _run(self) -> None:
        end: dict[str, Any] = {"failures": []}
        try:
            end = await self._answered()
        except AiPalError as error:
            end["failures"] = [failure_of(told(error))]
        except Exception as error:  # whoever follows is told, whatever it is
            log.exception("page_answer_failed")
            why = f"the gateway failed ({type(error).__name__})"
            end["failures"] = [failure_of(Failure(Code.INTERNAL, why, "its log tells more"))]
        finally:
            self.shown.closed = ("end", {"conversation": self.conversation, "failures": [], **end})
            self.changed()
            self._history.changed()

    async def _answered(self) -> dict[str, Any]:
        asked, history = self._asked, self._history
        settings, preset, files = await asyncio.to_thread(_looked_up, asked)
        recorder = history.recorder(self._warnings.append)
        try:
            conversation, place, messages, how = await history.record(
                lambda: _prepared(recorder, asked, files, preset, settings)
            )
            self._is_asked(place)
            before = self._find(asked.conversation, place.before) if asked.how in ("again", "edit") else None
            private, mine = bool(how.get("local_only")), bool(how.get("mine"))
            keep = partial(recorder.keep, model=asked.model, local_only=private, mine=mine)
            saves = asyncio.create_task(self._saves(conversation, recorder, keep))
            try:
                failures = await self._heard(messages, how)
            finally:
                saves.cancel()
                await asyncio.wait([saves])
            turn = None
            if add_turn(conversation, self.shown, await self._window()):
                await history.record(partial(keep, conversation))
                self._is_kept(recorder)
                from ai_pal.gateway.page.turns import about_turn

                turn = about_turn(place.before, conversation.turns[place.before])
            if before is not None and settings.router.learn and not self.shown.silent:
                await before.rate(good=False)
            end = self.shown.end
            return {
                "failures": [*failures, *map(_warning, self._warnings)],
                "turn": turn,
                "finish": end.finish_reason if isinstance(end, wire.Done) else "",
            }
        finally:
            await history.record(recorder.close)

    def _is_asked(self, place: Place) -> None:
        """Tell who follows what it is that is answered."""
        from ai_pal.gateway.page.turns import asked_of

        self.at = place.before
        self.shown.asked = asked_of(place.before, place.prompt, self.conversation)
        self.changed()

    def _is_kept(self, recorder: Recorder) -> None:
        """Tell who follows where it is kept."""
        self.conversation = recorder.number or 0
        if self.shown.asked is not None:
            self.shown.asked = {**self.shown.asked, "conversation": self.conversation}
        self.changed()

    async def _saves(
        self, conversation: Conversation, recorder: Recorder, keep: Callable[[Conversation], None]
    ) -> None:
        """Keep what has come, as long as more of it comes."""
        while True:
            await self._grown.wait()
            self._grown.clear()
            so_far = copy.copy(conversation)
            so_far.turns = list(conversation.turns)
            if add_turn(so_far, self.shown, written_by=own()):
                await self._history.record(partial(keep, so_far))
                self._is_kept(recorder)
                await asyncio.sleep(SAVED)

    async def _heard(self, messages: Any, how: Any) -> list[dict[str, str]]:
        """Take all that comes; why there is no whole answer."""
        self._stream = stream = self._client.chat(messages, **how)
        now = self._loop.time
        if self._ends_at is not None:
            stream.cancel()
        try:
            while not stream.over:
                events = await self._batch(stream)
                for event in events:
                    self.shown.take(event, now())
                if events:
                    self.shown.silent = False
                    self._grown.set()
                elif self._ends_at is not None and now() >= self._ends_at:
                    raise AiPalError(_unheard())
                elif self._ends_at is None and not stream.over:
                    self.shown.silent = not await self._is_there()
                self.changed()
        except AiPalError as error:
            self.shown.take(wire.Interrupted(0, told(error)), now())
            self.changed()
        finally:
            await stream.aclose()
        match self.shown.end:
            case wire.Failed(reasons=reasons):
                return [failure_of(reason) for reason in worth_telling(reasons)]
            case wire.Interrupted(reason=reason):
                return [failure_of(reason)]
        return []

    async def _batch(self, stream: AsyncAnswerStream) -> list[wire.AnyEvent]:
        """What comes next; nothing, where nothing has come for a while."""
        until = self._loop.time() + QUIET
        alarm = self._loop.call_at(until if self._ends_at is None else self._ends_at, stream.nudge)
        try:
            return await stream.batch()
        finally:
            alarm.cancel()

    async def _is_there(self) -> bool:
        """Whether the supervisor answers at all."""
        try:
            async with asyncio.timeout(THERE):
                await self._client.status()
        except TimeoutError:
            return False
        except AiPalError as error:
            return error.code != Code.SUPERVISOR_SILENT
        return True

    async def _window(self) -> int:
        """Tokens that the model which has answered can have before it; 0 where that is not known."""
        by = self.shown.started
        if by is None or by.tier != LOCAL_TIER or self.shown.silent:
            return 0
        with suppress(AiPalError):
            workers = (await self._client.status()).workers
            windows = (one.context for one in workers if one.asked_as == by.model and not one.vocabulary)
            return next(windows, 0)
        return 0


def _looked_up(asked: Question) -> tuple[Settings, Preset, Any]:
    preset = load_preset(asked.preset) if asked.preset else Preset()
    return load_settings().settings, preset, questions.attached(asked.files)


def _prepared(recorder: Recorder, asked: Question, files: Any, preset: Preset, settings: Settings) -> Any:
    """The conversation up to the answer, its place, and what is asked. In the thread of the history."""
    conversation = Conversation(asked.system or preset.system)
    if asked.conversation:
        head, conversation = recorder.take_up(asked.conversation)
        kept = {level: True for level in ("local_only", "mine") if getattr(head, level)}
        asked = msgspec.structs.replace(asked, **kept)  # once it is, it stays so
    place = questions.place_in(conversation, asked, files)
    conversation.examples = presets.examples_of(preset)
    if place.branches:
        recorder.branch()
    del conversation.turns[place.before :]
    messages, how = questions.request(conversation, place, asked, preset, settings)
    how["conversation"] = recorder.mark_of(conversation)
    return conversation, place, messages, how


def _unheard() -> Failure:
    what = "the supervisor has not said that it has stopped"
    return Failure(Code.SUPERVISOR_SILENT, what, "what had come is kept; ai-pal doctor tells more")


def _warning(text: str) -> dict[str, str]:
    return {"code": "", "message": text, "hint": ""}
