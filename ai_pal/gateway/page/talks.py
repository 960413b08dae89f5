"""Answers under way for pages, and the latest that were."""

import asyncio
from contextlib import suppress
from typing import Any

from ai_pal.client import AsyncClient
from ai_pal.errors import Code, fail
from ai_pal.gateway.page.history import History
from ai_pal.gateway.page.questions import Question
from ai_pal.gateway.page.talk import Talk

MOST = 32
"""Answers for pages at a time, and of those that have ended and can still be followed."""


class Talks:
    """Those under way, and the latest that were."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._talks: dict[str, Talk] = {}

    def begin(self, asked: Question, client: AsyncClient) -> Talk:
        """Raises `AiPalError` (`overloaded`): there are too many."""
        for old in [name for name, one in self._talks.items() if one.over]:
            if len(self._talks) < MOST:
                break
            del self._talks[old]
        if len(self._talks) >= MOST:
            fail(Code.OVERLOADED, f"{MOST} answers are under way", "wait for one of them")
        talk = Talk(asked, client, self._history, self.find)
        self._talks[talk.name] = talk
        self._history.changed()
        return talk

    def get(self, name: str) -> Talk:
        """Raises `AiPalError` (`conversation_not_found`)."""
        if name not in self._talks:
            fail(Code.CONVERSATION_NOT_FOUND, "this answer is not under way here", "look at the conversation")
        return self._talks[name]

    def find(self, conversation: int, at: int) -> Talk | None:
        """The latest answer of this conversation at this place, if it is over and was given here."""
        return next(
            (
                one
                for one in reversed(self._talks.values())
                if one.over and conversation and (one.conversation, one.at) == (conversation, at)
            ),
            None,
        )

    def under_way(self) -> list[dict[str, Any]]:
        """Their names, where they are kept, and what was asked."""
        return [
            {"run": one.name, "conversation": one.conversation, "title": one.title}
            for one in self._talks.values()
            if not one.over
        ]

    async def close(self) -> None:
        """Stop all, and wait until what has come of them is kept."""
        for talk in self._talks.values():
            if not talk.over:
                talk.stop()
        for talk in self._talks.values():
            with suppress(asyncio.CancelledError):
                await talk.task
