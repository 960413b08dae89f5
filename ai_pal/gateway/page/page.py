"""The page's side of the server: what each of its requests reads, does and is told."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from ai_pal import __version__
from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.config import load_settings, paths, presets
from ai_pal.config.client_keys import named_by, read_keys
from ai_pal.conversations.neutral import neutral_line
from ai_pal.conversations.shelf import variants
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.access import sign_in
from ai_pal.gateway.asking.asked import Errand, Told, Watched
from ai_pal.gateway.page import files, models, questions
from ai_pal.gateway.page.events import Events
from ai_pal.gateway.page.exports import attachment, exported
from ai_pal.gateway.page.following import Follower
from ai_pal.gateway.page.history import History
from ai_pal.gateway.page.lists import Change, changed, found
from ai_pal.gateway.page.live import LiveView
from ai_pal.gateway.page.models import Errands
from ai_pal.gateway.page.questions import File, Question
from ai_pal.gateway.page.rendering import Rendering
from ai_pal.gateway.page.talk import Talk
from ai_pal.gateway.page.talks import Talks
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.gateway.wire.figures import Figure, whole_number
from ai_pal.gateway.wire.statuses import StatusError

Said = Mapping[str, str]
SHOWN = 40
"""Turns that come at a time."""

LISTED = 200

COUNTED = "counted, as a number on this machine"
NOTHING = "of this answer there is nothing to learn"
NOT_WANTED = "nothing is learned of answers: ai-pal config set router.learn true"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/sign-in."""

    key: str


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/rate: whether an answer was good, by its place in the conversation."""

    conversation: Figure
    at: Figure
    good: bool


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/stop."""

    run: str


_KEY, _CHANGE, _STOP, _FILE, _OPINION = map(msgspec.json.Decoder, (Key, Change, Stop, File, Opinion))


class Page:
    """What pages share: the history, answers under way, and errands. With `several` processes at one port an
    answer ends with the connection that asked for it: nobody else would find it."""

    def __init__(self, store: Path, *, writes: bool = True, several: bool = False, tls: bool = False) -> None:
        self._store, self._several, self._tls = store, several, tls
        self._history = History(store, writes=writes)
        self._talks, self._errands = Talks(self._history), Errands()
        self._rendering = Rendering()

    async def close(self) -> None:
        """End what is under way; what has come of it is kept."""
        await self._errands.close()
        await self._talks.close()
        await self._rendering.close()
        await self._history.close()

    async def shell(self, _: object, said: Said) -> Told:
        """GET /page, and what a browser is shown at /."""
        return files.shell(said.get("accept-encoding", ""))

    async def file(self, _: object, said: Said) -> Told:
        """GET /page/files/{version}/{name}. Raises `StatusError`."""
        return files.file(said["version"], said["name"], said.get("accept-encoding", ""))

    def sign_in(self, body: bytes) -> Errand:
        """POST /page/sign-in: a cookie for a key. Raises `AiPalError` (`key_refused`)."""
        shown = decoded(body, _KEY).key.strip()

        async def carry_out(_: AsyncClient) -> Told:
            keys, now = await asyncio.to_thread(read_keys), time.time()
            name = named_by(shown, keys)
            if not name or keys[name].expired(now):
                raise StatusError(401, Failure(Code.KEY_REFUSED, "this is no key of this server"))
            if not keys[name].manage:
                what = "this page shows what its owner keeps: it takes a key made with --manage"
                raise AiPalError(Failure(Code.ACCESS_DENIED, what, "ai-pal keys create NAME --manage"))
            value = sign_in.token(name, keys[name], int(now) + sign_in.SECONDS)
            return _done(sign_in.cookie(value, tls=self._tls))

        return Errand(carry_out)

    def sign_out(self, body: bytes) -> Errand:
        """POST /page/sign-out."""

        async def carry_out(_: AsyncClient) -> Told:
            return _done(sign_in.cookie("", tls=self._tls))

        return Errand(carry_out)

    async def state(self, _: object, said: Said) -> bytes:
        """GET /page/state: what a page needs when it opens, and when it is back."""
        settings = load_settings().settings
        await self._rendering.begin()
        return _json(
            {
                "version": __version__,
                "files": files.version(),
                "keeps": self._history.writes,
                "privacy": "local" if settings.private() else "mine" if settings.mine else "any",
                "machines": list(settings.machines),
                "model": settings.model,
                "models": await asyncio.to_thread(models.names),
                "presets": await asyncio.to_thread(presets.names),
                **await self._list(),
            }
        )

    async def conversations(self, _: object, said: Said) -> bytes:
        """GET /page/conversations: the list, that of a tag, or what is found in all."""
        if query := said.get("query", ""):
            return _json({"list": await self._history.read(lambda shelf: found(shelf, query))})
        return _json(await self._list(said.get("tag", "")))

    async def conversation(self, _: object, said: Said) -> bytes:
        """GET /page/conversation: its last turns, or those before a place."""
        from ai_pal.gateway.page.turns import window

        number, count = _number(said, "id"), min(_number(said, "count", SHOWN), 10 * SHOWN)
        before = _number(said, "before") if "before" in said else None
        kept, branches = await self._history.read(
            lambda shelf: (shelf.show(number, data=False), shelf.branches(number))
        )
        told = await asyncio.to_thread(window, kept, variants(branches, number), before, count)
        html = iter(await self._rendering.html([one for turn in told["shown"] for one in turn["html"]]))
        shown = [{**turn, "html": [next(html) for _ in turn["html"]]} for turn in told["shown"]]
        return _json({**told, "shown": shown})

    async def export(self, _: object, said: Said) -> Told:
        """GET /page/export."""
        kept = await self._history.read(lambda shelf: shelf.show(_number(said, "id")))
        return exported(kept, said.get("format", "markdown"))

    async def attachment(self, _: object, said: Said) -> Told:
        """GET /page/attachment: a file that went with a prompt."""
        kept = await self._history.read(lambda shelf: shelf.show(_number(said, "id")))
        return attachment(kept, _number(said, "turn"), _number(said, "file"))

    def change(self, body: bytes) -> Errand:
        """POST /page/change."""
        wanted = decoded(body, _CHANGE)
        if wanted.title is not None and not wanted.title.strip():
            raise BodyError("a title says something", "title")

        async def carry_out(_: AsyncClient) -> bytes:
            await self._history.change(lambda shelf: changed(shelf, wanted))
            return _json(await self._list())

        return Errand(carry_out)

    def attach(self, body: bytes) -> Errand:
        """POST /page/attach: what a file is, before it goes with a question. Raises `AiPalError`."""
        file = decoded(body, _FILE)

        async def carry_out(_: AsyncClient) -> bytes:
            [one] = await asyncio.to_thread(questions.attached, [file])
            return _json({"about": neutral_line(one.about)})

        return Errand(carry_out)

    def ask(self, body: bytes) -> Watched:
        """POST /page/ask: an answer that is followed while it comes."""
        asked: Question = questions.read(body)

        def begin(client: AsyncClient, said: Asking) -> Follower:
            talk = self._talks.begin(asked, client)
            return self._follower(talk, talk.stop if self._several else None)

        return Watched(begin, Events())

    async def run(self, _: object, said: Said) -> Watched:
        """GET /page/run: an answer that is under way already."""
        talk = self._talks.get(said.get("run", ""))
        return Watched(lambda client, said: self._follower(talk), Events())

    def stop(self, body: bytes) -> Errand:
        """POST /page/stop."""
        name = decoded(body, _STOP).run

        async def carry_out(_: AsyncClient) -> bytes:
            self._talks.get(name).stop()
            return b"{}"

        return Errand(carry_out)

    def rate(self, body: bytes) -> Errand:
        """POST /page/rate: as `/good` and `/bad` of the terminal."""
        said = decoded(body, _OPINION)

        async def carry_out(_: AsyncClient) -> bytes:
            if not (await asyncio.to_thread(load_settings)).settings.router.learn:
                return _json({"learned": False, "told": NOT_WANTED})
            answer = self._talks.find(said.conversation, said.at)
            learned = answer is not None and await answer.rate(good=said.good)
            return _json({"learned": learned, "told": COUNTED if learned else NOTHING})

        return Errand(carry_out)

    async def live(self, client: AsyncClient, said: Said) -> Watched:
        """GET /page/live."""
        return Watched(lambda client, said: LiveView(client.events(), self._history), Events())

    async def models(self, client: AsyncClient, said: Said) -> bytes:
        """GET /page/models."""
        found = await asyncio.to_thread(models.listed)
        return _json({**found, "failures": self._errands.failures})

    async def elsewhere(self, client: AsyncClient, said: Said) -> bytes:
        """GET /page/elsewhere: models of providers that may be asked."""
        return _json(await models.elsewhere(client))

    def model(self, body: bytes) -> Errand:
        """POST /page/model: load, unload, fetch one, or end that."""
        order = models.read(body)

        async def carry_out(client: AsyncClient) -> bytes:
            await self._errands.carry_out(order, client)
            return b"{}"

        return Errand(carry_out)

    async def usage(self, _: object, said: Said) -> bytes:
        """GET /page/usage."""
        from ai_pal.gateway.page.usage import doubted, used
        from ai_pal.store.doubts import DoubtFile
        from ai_pal.store.sqlite_ledger import SqliteLedger

        def look() -> dict[str, Any]:
            router, known = load_settings().settings.router, DoubtFile(paths.doubts_file()).all()
            with closing(SqliteLedger(self._store)) as ledger:
                return {**used(ledger, time.time()), "routing": doubted(known, router)}

        return _json(await asyncio.to_thread(look))

    def _follower(self, talk: Talk, on_leaving: Any = None) -> Follower:
        return Follower(talk, self._rendering.html, on_leaving)

    async def _list(self, tag: str = "") -> dict[str, Any]:
        """The conversations, the tags that there are, and the answers that are under way."""
        from ai_pal.gateway.page.turns import head_of

        heads, tags = await self._history.read(lambda shelf: (shelf.trees(LISTED, tag), shelf.tags()))
        listed = [head_of(one) for one in heads]
        return {"list": listed, "tags": tags, "under_way": self._talks.under_way()}


def _number(said: Said, name: str, usual: int | None = None) -> int:
    """Raises `BodyError`."""
    text = said.get(name, "" if usual is None else str(usual))
    if (number := whole_number(text)) is None or number < 0:
        raise BodyError(f"{name} is a number", name)
    return number


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _done(set_cookie: bytes) -> Told:
    return Told(b"{}", "application/json", ((b"set-cookie", set_cookie), (b"cache-control", b"no-store")))
