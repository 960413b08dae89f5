"""Inquiries: what models the providers have, asked through the egress process for clients that want to know.

A synchronous reactor like the router beside it. However many clients ask the same, each is asked once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Provider
from ai_pal.providers.server import Server
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients
from ai_pal.server.services.base import called_off
from ai_pal.transport.sockets import Blob

FOLLOWERS = 64
"""Clients that may wait for the same answer."""

BUSY = Failure(
    Code.OVERLOADED,
    "too many ask what models there are",
    "try again in a moment",
    retryable=True,
    retry_after=1,
)


class Subject(msgspec.Struct, frozen=True):
    """A provider that is set up, with the models that it would be asked for. Another machine of the user's
    is not asked for a list: `told` is what it has told last."""

    server: Server
    models: tuple[str, ...]
    told: tuple[str, ...] = ()


class Listing(Protocol):
    """A list of a provider's models under way."""

    def cancel(self) -> None:
        """Nothing more is heard of it."""


class Lists(Protocol):
    """Lists of providers' models."""

    def list_models(
        self,
        provider: Provider,
        told: Callable[[out.ProviderModels | Failure], None],
        *,
        describe: bool = False,
    ) -> Listing:
        """Begin, with what an Ollama says of each if that is wanted; `told` hears of its one end, never from
        within this call. Raises `AiPalError`, and then nothing has begun."""


class Inquiries:
    """See the module. Implements `Service` for `providers`. While `private` holds, only what stays on this
    machine is asked."""

    def __init__(
        self,
        clients: Clients,
        lists: Lists,
        subjects: Callable[[], list[Subject]],
        *,
        private: Callable[[], bool] = lambda: False,
        mine: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clients, self._lists, self._subjects = clients, lists, subjects
        self._private, self._mine = private, mine
        self._closing = False
        self._rounds: dict[Question, Round] = {}
        """Those that somebody waits for."""

    @property
    def busy(self) -> bool:
        return bool(self._open())

    def start(self, client: bytes, request: wire.Providers, blobs: Sequence[Blob] = ()) -> None:
        """Take a request; it is answered when the last provider has said something, or has not in time."""
        waiting = sum(len(one.followers) for one in self._open())
        if self._closing or waiting >= FOLLOWERS:
            why = CLOSING if self._closing else BUSY
            self._clients.send(client, wire.Failed(request.id, [why]))
            return
        question = Question(request.near, frozenset(request.names))
        one = self._rounds.get(question)
        if one is None:
            one = self._rounds[question] = Round(
                self._clients, self._lists, self._subjects, self._private, self._mine, question
            )
        one.join(client, request.id)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """This one waits no longer; the last one takes the questions along. False: no such request here."""
        for one in self._open():
            if (client, request_id) in one.followers:
                one.leave([(client, request_id)])
                self._clients.send(client, called_off(request_id, reason))
                return True
        return False

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left; with a `failure` it is still there, and is told."""
        for one in self._open():
            leaving = [follower for follower in one.followers if follower[0] == client]
            one.leave(leaving)
            if failure is not None:
                for _, request_id in leaving:
                    self._clients.send(client, wire.Failed(request_id, [failure]))

    def tick(self) -> None:
        """Each list has its own end: the providers see to it."""

    def shutdown(self, drain: float = 0.0) -> None:
        """Answer those who wait that there is no time left."""
        self._closing = True
        for one in self._open():
            followers = list(one.followers)
            one.leave(followers)
            for client, request_id in followers:
                self._clients.send(client, wire.Failed(request_id, [CLOSING]))

    def _open(self) -> "list[Round]":
        """The rounds that somebody waits for; the others are over."""
        self._rounds = {question: one for question, one in self._rounds.items() if one.followers}
        return list(self._rounds.values())


class Question(NamedTuple):
    """`near` asks no cloud; `names` are those that are asked, none is all."""

    near: bool
    names: frozenset[str]


class Round:
    """One question, and who waits for its answer."""

    def __init__(
        self,
        clients: Clients,
        lists: Lists,
        subjects: Callable[[], list[Subject]],
        private: Callable[[], bool],
        mine: Callable[[], bool],
        question: Question,
    ) -> None:
        self._clients, self._lists = clients, lists
        self._subjects, self._private, self._mine = subjects, private, mine
        self._near, self._names = question
        self.followers: list[tuple[bytes, int]] = []
        self._found: list[wire.ProviderStatus] = []
        self._open: dict[int, Listing] = {}
        """The lists under way, by their places in `_found`."""

    def join(self, client: bytes, request_id: int) -> None:
        """One more waits; the first one has the providers asked."""
        self.followers.append((client, request_id))
        if len(self.followers) == 1:
            self._begin()

    def leave(self, leaving: Sequence[tuple[bytes, int]]) -> None:
        """These wait no longer; the last ones take the questions along."""
        self.followers = [follower for follower in self.followers if follower not in leaving]
        if leaving and not self.followers:
            for listing in self._open.values():
                listing.cancel()
            self._open.clear()

    def _begin(self) -> None:
        self._found = []
        wanted = [one for one in self._subjects() if not self._names or one.server.name in self._names]
        for place, subject in enumerate(wanted):
            server, provider = subject.server, subject.server.provider
            remote = not privacy.stays_here(provider)
            failure = server.obstacle or (self._refusal(provider) if remote else None)
            if failure is None and self._is_asked(subject):
                failure = self._listed(place, provider)
            models, told = list(subject.models), list(subject.told)
            self._found.append(
                wire.ProviderStatus(server.name, provider.api, models, told, failure=failure, remote=remote)
            )
        self._answer_if_complete()

    def _is_asked(self, subject: Subject) -> bool:
        """Whether it is to say which models it has."""
        api = subject.server.provider.api
        if api == "machine":
            return False
        return not self._near or (api == "ollama" and subject.server.expected)

    def _refusal(self, provider: Provider) -> Failure | None:
        """Why nothing may be asked of one that is not on this machine."""
        try:
            if self._private():
                privacy.refuse(provider)
            if self._mine() and not privacy.is_mine(provider):
                privacy.refuse_others(provider)
        except AiPalError as error:
            return error.failure
        return None

    def _listed(self, place: int, provider: Provider) -> Failure | None:
        """Ask for a list; why that was not possible."""
        try:
            ended = partial(self._listing_ended, place)
            self._open[place] = self._lists.list_models(provider, ended, describe=self._near)
        except AiPalError as error:
            return error.failure
        return None

    def _listing_ended(self, place: int, told: out.ProviderModels | Failure) -> None:
        """A provider has named its models, or why it did not."""
        del self._open[place]
        if isinstance(told, Failure):
            self._found[place] = msgspec.structs.replace(self._found[place], failure=told)
        else:
            known = {"offers": told.names, "about": told.about}
            self._found[place] = msgspec.structs.replace(self._found[place], **known)
        self._answer_if_complete()

    def _answer_if_complete(self) -> None:
        if self._open:
            return
        followers, self.followers = self.followers, []
        for client, request_id in followers:
            self._clients.send(client, wire.ProvidersReply(request_id, self._found))
