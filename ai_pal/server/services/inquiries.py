"""Inquiries: what models the providers have, asked through the egress process for clients that want to know.

A synchronous reactor like the router beside it. However many clients ask, each provider is asked once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.providers.server import Server
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients
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
    """A provider that is set up, with the models that it would be asked for."""

    server: Server
    models: tuple[str, ...]


class Listing(Protocol):
    """A list of a provider's models under way."""

    def cancel(self) -> None:
        """Nothing more is heard of it."""


class Lists(Protocol):
    """Lists of providers' models."""

    def list_models(self, provider: out.Provider, told: Callable[[list[str] | Failure], None]) -> Listing:
        """Begin; `told` hears of its one end, never from within this call. Raises `AiPalError`, and then
        nothing has begun."""


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
    ) -> None:
        self._clients, self._lists = clients, lists
        self._subjects, self._private = subjects, private
        self._closing = False
        self._followers: list[tuple[bytes, int]] = []
        self._found: list[wire.ProviderStatus] = []
        self._open: dict[int, Listing] = {}
        """The lists under way, by their places in `_found`."""

    @property
    def busy(self) -> bool:
        return bool(self._followers)

    def start(self, client: bytes, request: wire.Providers, blobs: Sequence[Blob] = ()) -> None:
        """Take a request; it is answered when the last provider has said something, or has not in time."""
        if self._closing or len(self._followers) >= FOLLOWERS:
            why = CLOSING if self._closing else BUSY
            self._clients.send(client, wire.Failed(request.id, [why]))
            return
        self._followers.append((client, request.id))
        if len(self._followers) == 1:
            self._begin()

    def _listing_ended(self, place: int, told: list[str] | Failure) -> None:
        """A provider has named its models, or why it did not."""
        del self._open[place]
        if isinstance(told, Failure):
            self._found[place] = msgspec.structs.replace(self._found[place], failure=told)
        else:
            self._found[place] = msgspec.structs.replace(self._found[place], offers=told)
        self._answer_if_complete()

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
        """Each list has its own end: the providers see to it."""

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
        try:
            if self._private() and not privacy.stays_here(provider):
                privacy.refuse(provider)
            self._open[place] = self._lists.list_models(provider, partial(self._listing_ended, place))
        except AiPalError as error:
            return error.failure
        return None

    def _answer_if_complete(self) -> None:
        if self._open:
            return
        followers, self._followers = self._followers, []
        for client, request_id in followers:
            self._clients.send(client, wire.ProvidersReply(request_id, self._found))

    def _drop(self) -> None:
        for listing in self._open.values():
            listing.cancel()
        self._open.clear()
