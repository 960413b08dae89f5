"""Inquiries: what models the providers have, asked through the egress process for clients that want to know.

A synchronous reactor like the router beside it. However many clients ask, each provider is asked once.
"""

import itertools
from collections.abc import Callable

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.providers.server import Server
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients
from ai_pal.server.router.ports import Lists

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
    """A provider that is set up, with the models that it would be asked for."""

    server: Server
    models: tuple[str, ...]


class Inquiries:
    """See the module. Implements `Service` for `providers`. The keys of its lists are below 0: those of
    answers are above. With `private` only what stays on this machine is asked."""

    def __init__(
        self, clients: Clients, lists: Lists, subjects: Callable[[], list[Subject]], *, private: bool = False
    ) -> None:
        self._clients, self._lists = clients, lists
        self._subjects, self._private = subjects, private
        self._keys = itertools.count(-1, -1)
        self._closing = False
        self._followers: list[tuple[bytes, int]] = []
        self._found: list[wire.ProviderStatus] = []
        self._open: dict[int, int] = {}
        """The place in `_found`, by key."""

    @property
    def busy(self) -> bool:
        return bool(self._followers)

    def start(self, client: bytes, request: wire.Providers) -> None:
        """Take a request; it is answered when the last provider has said something, or has not in time."""
        if self._closing or len(self._followers) >= FOLLOWERS:
            why = CLOSING if self._closing else BUSY
            self._clients.send(client, wire.Failed(request.id, [why]))
            return
        self._followers.append((client, request.id))
        if len(self._followers) == 1:
            self._begin()

    def completion_event(self, event: out.FromEgress) -> bool:
        """Take what became of a list. False: this event is of something else."""
        place = self._open.pop(getattr(event, "key", 0), None)
        if place is None:
            return False
        if isinstance(event, out.ProviderModels):
            self._found[place] = msgspec.structs.replace(self._found[place], offers=event.names)
        elif isinstance(event, out.CompletionFailed):
            self._found[place] = msgspec.structs.replace(self._found[place], failure=event.failure)
        self._answer_if_complete()
        return True

    def cancel(self, client: bytes, request_id: int) -> bool:
        """This one waits no longer; the last one takes the questions along. False: no such request here."""
        if (client, request_id) not in self._followers:
            return False
        self._followers.remove((client, request_id))
        if not self._followers:
            self._drop()
        self._clients.send(client, wire.Cancelled(request_id))
        return True

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left; with a `failure` it is still there, and is told."""
        leaving = [follower for follower in self._followers if follower[0] == client]
        self._followers = [follower for follower in self._followers if follower[0] != client]
        if leaving and not self._followers:
            self._drop()
        if failure is not None:
            for _, request_id in leaving:
                self._clients.send(client, wire.Failed(request_id, [failure]))

    def tick(self) -> None:
        """Each list has its own end: `Completions` sees to it."""

    def shutdown(self, drain: float = 0.0) -> None:
        """Answer those who wait that there is no time left."""
        self._closing = True
        followers, self._followers = self._followers, []
        self._drop()
        for client, request_id in followers:
            self._clients.send(client, wire.Failed(request_id, [CLOSING]))

    def _begin(self) -> None:
        self._found = []
        for place, subject in enumerate(self._subjects()):
            server = subject.server
            failure = server.obstacle or self._listed(place, server.provider)
            self._found.append(
                wire.ProviderStatus(server.name, server.provider.api, list(subject.models), failure=failure)
            )
        self._answer_if_complete()

    def _listed(self, place: int, provider: out.Provider) -> Failure | None:
        """Ask for a list; why that was not possible."""
        key = next(self._keys)
        try:
            if self._private and not privacy.stays_here(provider):
                privacy.refuse(provider)
            self._lists.list_models(out.ListModels(key, provider))
        except AiPalError as error:
            return error.failure
        self._open[key] = place
        return None

    def _answer_if_complete(self) -> None:
        if self._open:
            return
        followers, self._followers = self._followers, []
        for client, request_id in followers:
            self._clients.send(client, wire.ProvidersReply(request_id, self._found))

    def _drop(self) -> None:
        for key in self._open:
            self._lists.cancel(key)
        self._open.clear()
