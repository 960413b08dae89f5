"""The way to the supervisor: connect when first needed, and once more after it was lost."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Protocol

import msgspec

from ai_pal.messages.chat import Message, Options
from ai_pal.messages.client import AnyEvent

if TYPE_CHECKING:
    from ai_pal.config import Settings


class Stream(Protocol):
    """The events of one request, up to and with its one terminal event."""

    def __iter__(self) -> Iterator[AnyEvent]: ...

    def cancel(self) -> None:
        """Ask for the end; iteration goes on to `Cancelled`."""

    def close(self) -> None:
        """Cancel what still runs and forget the request."""


class Client(Protocol):
    """What this terminal needs of `ai_pal.client.Client`."""

    def chat(
        self,
        messages: list[Message],
        model: str = "",
        *,
        options: Options,
        deadline: float | None = None,
        keep_alive: float | None = None,
    ) -> Stream: ...

    def load(self, model: str, keep_alive: float | None = None) -> Iterator[AnyEvent]: ...

    def close(self) -> None: ...


class Wishes(msgspec.Struct, frozen=True):
    """How answers are wanted: all that a request holds besides its messages. Seconds."""

    model: str = ""
    options: Options = Options()
    deadline: float | None = None
    keep_alive: float | None = None


class Link:
    """Owns the client, and the supervisor too when it is hosted for this chat only."""

    def __init__(self, settings: "Settings", *, own_supervisor: bool = False) -> None:
        self.settings = settings
        self._own = own_supervisor
        self._client: Client | None = None
        self._resources = ExitStack()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    @property
    def client(self) -> Client:
        """The connected client. Raises `AiPalError` (`supervisor_unreachable`, ...)."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def chat(self, messages: list[Message], wishes: Wishes) -> Stream:
        """Send one request."""
        return self.client.chat(
            messages,
            wishes.model,
            options=wishes.options,
            deadline=wishes.deadline,
            keep_alive=wishes.keep_alive,
        )

    def drop(self) -> None:
        """Let go of the connection; the next use makes a new one."""
        self._client = None
        self._resources.close()

    def _connect(self) -> Client:
        if self._own:
            from ai_pal.app import hosted

            hosting: AbstractContextManager[Client] = hosted(self.settings)
            return self._resources.enter_context(hosting)
        from ai_pal.client.daemon import connect

        client: Client = connect(self.settings, start=True)
        self._resources.callback(client.close)
        return client
