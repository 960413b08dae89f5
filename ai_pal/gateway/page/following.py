"""Who follows an answer is told the difference between what it knows and what there is: over a slow line less
often, and who comes late at once all that there is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ai_pal.gateway.page.events import Change, written
from ai_pal.gateway.page.shown import Called, Piece, Said, Seam, Shown, Thought

PACE = 0.04
"""Seconds between two events, at least."""

SLOWEST = 1.0

EASE = 8
"""Rendering takes at most one part in so many of the time."""

SILENT = {"text": "the supervisor does not answer; Stop keeps what has come"}

Render = Callable[[Sequence[str]], Awaitable[list[str]]]
"""HTML of each of these blocks."""


class Cursor:
    """What one follower has been told. Pure."""

    def __init__(self) -> None:
        self._times = 0
        self._forget()
        self._waiting: dict[str, Any] | None = None
        self._asked: dict[str, Any] | None = None
        self._who: dict[str, Any] | None = None
        self._notices = 0
        self._closed = False

    def _forget(self) -> None:
        self._told: list[tuple[int, str]] = []

    def news(self, shown: Shown) -> list[Change]:
        """What is new. The last word of the changes `block` and `open` is Markdown, yet to be rendered."""
        found: list[Change] = []
        if shown.times != self._times:
            self._times = shown.times
            self._forget()
            found.append(("anew",))
        if shown.asked != self._asked:
            self._asked = shown.asked
            found.append(("asked", shown.asked))
        waiting = SILENT if shown.silent else shown.waiting
        if waiting != self._waiting:
            self._waiting = waiting
            found.append(("wait", waiting))
        if shown.who != self._who:
            self._who = shown.who
            found.append(("who", shown.who))
        found += [("notice", text) for text in shown.notices[self._notices :]]
        self._notices = len(shown.notices)
        for number, piece in enumerate(shown.pieces):
            found += self._of_piece(number, piece)
        if shown.closed is not None and not self._closed:
            self._closed = True
            found.append(shown.closed)
        return found

    def _of_piece(self, number: int, piece: Piece) -> list[Change]:
        found: list[Change] = []
        if number == len(self._told):
            self._told.append((0, ""))
            why = (piece.text,) if isinstance(piece, Seam) else ()
            found.append((piece.kind, number, *why))
        count, rest = self._told[number]
        match piece:
            case Said():
                found += [("block", number, block) for block in piece.blocks[count:]]
                if piece.rest != rest or len(piece.blocks) > count:
                    found.append(("open", number, piece.rest))
                self._told[number] = len(piece.blocks), piece.rest
            case Thought():
                if more := piece.text[count:]:
                    found.append(("think", number, more))
                if piece.seconds and not rest:
                    found.append(("thought-for", number, round(piece.seconds, 1)))
                self._told[number] = len(piece.text), "over" if piece.seconds else ""
            case Called():
                if piece.text != rest or not count:
                    found.append(("call", number, piece.name, piece.text))
                self._told[number] = 1, piece.text
        return found


class Follower:
    """An answer as one page follows it, a stream of written events. Who leaves only stops following, unless
    `on_leaving` says more."""

    def __init__(
        self, talk: "Followable", render: Render, on_leaving: Callable[[], None] | None = None
    ) -> None:
        self._talk, self._render, self._on_leaving = talk, render, on_leaving
        self._cursor, self._nudged, self._pause = Cursor(), asyncio.Event(), 0.0
        self._begun = False
        self.over = False
        talk.watchers.add(self._nudged)

    async def batch(self) -> list[bytes]:
        """What is new; nothing only where somebody has called `nudge`."""
        if self._begun:
            await asyncio.sleep(self._pause)
            await self._nudged.wait()
            self._nudged.clear()
            news = []
        else:
            self._begun, news = True, [("run", self._talk.name)]
        news += self._cursor.news(self._talk.shown)
        self.over = self._talk.shown.closed is not None
        if not news:
            return []
        begun = asyncio.get_running_loop().time()
        rendered = await self._rendered(news)
        self._pause = min(max(PACE, EASE * (asyncio.get_running_loop().time() - begun)), SLOWEST)
        return [written(rendered)]

    async def _rendered(self, news: Sequence[Change]) -> list[Change]:
        shown = iter(await self._render([one[2] for one in news if one[0] in _MARKDOWN]))
        return [(*one[:2], next(shown)) if one[0] in _MARKDOWN else one for one in news]

    def nudge(self) -> None:
        """Wake who waits."""
        self._nudged.set()

    def cancel(self) -> None:
        """It goes on."""

    async def aclose(self) -> None:
        """Stop following."""
        self._talk.watchers.discard(self._nudged)
        if not self.over and self._on_leaving is not None:
            self._on_leaving()


class Followable:
    """What can be followed."""

    name: str
    shown: Shown
    watchers: set[asyncio.Event]

    def changed(self) -> None:
        """Tell who follows."""
        for watcher in self.watchers:
            watcher.set()


_MARKDOWN = ("block", "open")
