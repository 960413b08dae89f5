"""Instant start: while the wanted model is downloaded and loaded, one that is here answers."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ai_pal.cli.chatting.figures import short_name
from ai_pal.cli.chatting.link import Link, Wishes
from ai_pal.cli.neutral import neutral_line
from ai_pal.errors import AiPalError, Code, Failure

if TYPE_CHECKING:
    from ai_pal.config import Settings

STARTER = "smollm2"
GRACE_SECONDS = 2.0
"""A model that is ready this soon after the prompt was entered answers itself."""


class Preparing:
    """Downloads and loads one model, in a thread with a connection of its own."""

    def __init__(self, endpoint: str, wishes: Wishes, model: str, limit: int) -> None:
        self.model, self.limit = model, limit
        self.ended = threading.Event()
        self.failure: Failure | None = None
        self.progress, self.size = "", 0
        self.abandoned = False
        self._endpoint, self._wishes = endpoint, wishes
        threading.Thread(target=self._run, name=f"prepare {model}", daemon=True).start()

    def _run(self) -> None:
        from ai_pal.client import Client

        try:
            with Client(self._endpoint) as client:
                self._follow(client)
        except AiPalError as error:
            self.failure = error.failure
        finally:
            self.ended.set()

    def _follow(self, client: "object") -> None:
        from ai_pal.client import Client
        from ai_pal.messages.client import Loading, Pulling

        assert isinstance(client, Client)
        events = client.load(self.model, self._wishes.keep_alive, pull=True, pull_limit=self.limit)
        for event in events:
            if self.abandoned:
                return  # closing the connection ends the download, if nobody else follows it
            if isinstance(event, Pulling):
                self.size = event.total
                share = f"{event.done / event.total:.0%} downloaded" if event.total else "being downloaded"
                self.progress = share
            elif isinstance(event, Loading):
                self.progress = f"{event.progress:.0%} loaded"


class InstantStart:
    """Says who answers now. `note` tells, for the dim line, how far the wanted model is."""

    def __init__(self, link: Link, agree: Callable[[str, int], bool], say: Callable[[str], None]) -> None:
        self._link, self._agree, self._say = link, agree, say
        self._preparing: Preparing | None = None
        self._told = False
        self.refused = ""
        self.note = ""

    def begin(self, wishes: Wishes) -> None:
        """Begin to get the wanted model ready, unless there is no other to answer meanwhile."""
        model = wishes.model or self._link.settings.model
        if self._preparing is not None:
            if self._preparing.model == model:
                return
            self._preparing.abandoned = True
        self._preparing, self._told = None, False
        if model and stand_in(model, self._link.settings):
            limit = 0 if self._link.settings.auto_pull else wishes.pull_limit
            self._preparing = Preparing(self._link.client.endpoint, wishes, model, limit)

    def wishes(self, wishes: Wishes) -> Wishes:
        """The wishes for the next answer: those of the user, or for the model that stands in."""
        self.note = ""
        self.begin(wishes)
        preparing = self._preparing
        if preparing is None:
            return wishes
        preparing.ended.wait(GRACE_SECONDS)
        if preparing.ended.is_set() and not self._may_go_on(preparing, wishes):
            self._switch(preparing)
            return wishes
        assert self._preparing is not None
        return self._meanwhile(self._preparing, wishes)

    def _may_go_on(self, preparing: Preparing, wishes: Wishes) -> bool:
        """Whether a download that needs a yes has got it, and begins."""
        failure = preparing.failure
        if failure is None or failure.code != Code.MODEL_NOT_HERE or not preparing.limit:
            return False
        if not self._agree(preparing.model, preparing.size):
            self.refused = preparing.model
            return False
        self._preparing = Preparing(self._link.client.endpoint, wishes, preparing.model, 0)
        return True

    def _switch(self, preparing: Preparing) -> None:
        if self._told and preparing.failure is None:
            self._say(f"{short_name(preparing.model)} is ready and answers from now on")
        self._told = False

    def _meanwhile(self, preparing: Preparing, wishes: Wishes) -> Wishes:
        other, wanted = stand_in(preparing.model, self._link.settings), short_name(preparing.model)
        if not self._told:
            self._say(f"{other} answers until {wanted} is ready (--wait waits for it instead)")
            self._told = True
        self.note = neutral_line(f"{wanted}: {preparing.progress or 'on its way'}")
        return msgspec.structs.replace(wishes, model=other)


def stand_in(wanted: str, settings: "Settings") -> str:
    """A model that is here: the default one, else the starter; empty when there is none but `wanted`."""
    from ai_pal.catalog import default_model, find

    for name in dict.fromkeys((settings.model or default_model(settings), STARTER)):
        try:
            found = find(name, settings)
        except AiPalError:
            continue
        if name != wanted and found.problem is None and found.is_here:
            return name
    return ""
