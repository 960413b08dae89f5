"""Instant start: while the wanted model is downloaded another answers. One that is here is waited for."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.chat.stand_in import stand_in
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.conversations.model import short_name
from ai_pal.errors import AiPalError, Code, Failure

if TYPE_CHECKING:
    from ai_pal.catalog import Found

GRACE_SECONDS = 2.0
"""A model that is here this soon after the prompt was entered answers itself."""


class Preparing:
    """Downloads and loads one model, in a thread with a connection of its own. `settled` when that has ended,
    or, with `until_here`, when the download has."""

    def __init__(
        self, endpoint: str, wishes: Wishes, model: str, found: "Found", *, limit: int, until_here: bool
    ) -> None:
        self.model, self.found, self.limit = model, found, limit
        self.settled = threading.Event()
        self.failure: Failure | None = None
        self.progress, self.size = "", 0
        self.ready = self.abandoned = False
        self._endpoint, self._wishes, self._until_here = endpoint, wishes, until_here
        threading.Thread(target=self._run, name=f"prepare {model}", daemon=True).start()

    def _run(self) -> None:
        from ai_pal.client import Client

        try:
            with Client(self._endpoint) as client:
                self._follow(client)
        except AiPalError as error:
            self.failure = error.failure
        finally:
            self.settled.set()

    def _follow(self, client: "object") -> None:
        from ai_pal.client import Client
        from ai_pal.protocol.client import Loading, Pulling

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
                what = f"sent to {event.node}" if event.node else "loaded"
                self.progress = f"{event.progress:.0%} {what}"
                if self._until_here:
                    self.settled.set()
        self.ready = True


class InstantStart:
    """Says who answers now. `stands_for` is the model in whose place another does, `note` how far that is.
    With `eager` another answers also while a model that is here is loaded."""

    def __init__(
        self,
        session: Session,
        agree: Callable[[str, int], bool],
        say: Callable[[str], None],
        *,
        eager: bool = False,
    ) -> None:
        self._session, self._agree, self._say, self._eager = session, agree, say, eager
        self._preparing: Preparing | None = None
        self._told = False
        self.refused = self.note = self.stands_for = ""

    def wishes(self, wishes: Wishes) -> Wishes:
        """The wishes for the next answer: those of the user, or for the model that stands in."""
        self.note = self.stands_for = ""
        self._begin(wishes)
        preparing = self._preparing
        if preparing is None:
            return wishes
        if not preparing.settled.wait(GRACE_SECONDS):
            return self._meanwhile(preparing, wishes)
        if not self._may_go_on(preparing):
            self._switch(preparing)
            return wishes
        self._preparing = self._prepare(preparing.model, preparing.found, wishes, 0)
        return self._meanwhile(self._preparing, wishes)

    def _begin(self, wishes: Wishes) -> None:
        """Begin to get the wanted model ready, where another may answer meanwhile."""
        model = wishes.model or self._session.settings.model
        if self._preparing is not None:
            if self._preparing.model == model:
                return
            self._preparing.abandoned = True
        self._preparing, self._told = None, False
        found = self._to_prepare(model)
        if found is not None and stand_in(model, found, 0, self._session.settings):
            limit = 0 if self._session.settings.auto_pull else wishes.pull_limit
            self._preparing = self._prepare(model, found, wishes, limit)

    def _to_prepare(self, model: str) -> "Found | None":
        """What is to be fetched; None for what is here, or elsewhere, or what nobody knows."""
        from ai_pal.catalog import find

        if not model:
            return None
        try:
            found = find(model, self._session.settings)
        except AiPalError:
            return None
        return found if self._eager or not found.is_here else None

    def _prepare(self, model: str, found: "Found", wishes: Wishes, limit: int) -> Preparing:
        endpoint = self._session.client.endpoint
        return Preparing(endpoint, wishes, model, found, limit=limit, until_here=not self._eager)

    def _may_go_on(self, preparing: Preparing) -> bool:
        """Whether a download that needs a yes has got it."""
        failure = preparing.failure
        if failure is None or failure.code != Code.MODEL_NOT_HERE or not preparing.limit:
            return False
        if self._agree(preparing.model, preparing.size):
            return True
        self.refused = preparing.model
        return False

    def _switch(self, preparing: Preparing) -> None:
        if self._told and preparing.failure is None:
            state = "ready" if preparing.ready else "here"
            self._say(f"{short_name(preparing.model)} is {state} and answers from now on")
        self._told = False

    def _meanwhile(self, preparing: Preparing, wishes: Wishes) -> Wishes:
        other = stand_in(preparing.model, preparing.found, preparing.size, self._session.settings)
        if not other:
            return wishes
        wanted = short_name(preparing.model)
        if not self._told:
            self._say(f"{other} answers until {wanted} is here (--wait waits for it instead)")
            self._told = True
        self.note = neutral_line(f"{wanted}: {preparing.progress or 'on its way'}")
        self.stands_for = preparing.model
        return msgspec.structs.replace(wishes, model=other)
