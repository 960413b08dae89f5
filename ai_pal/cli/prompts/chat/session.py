"""The way to the supervisor: connect when first needed, and once more after it was lost."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, Protocol, Unpack

from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.served import END_SECONDS
from ai_pal.protocol.client import AnyEvent
from ai_pal.protocol.content import Message

if TYPE_CHECKING:
    from ai_pal.client.asking import Asking
    from ai_pal.client.requests import Completing
    from ai_pal.config import Settings


class Stream(Protocol):
    """The events of one request, up to and with its one terminal event."""

    def __iter__(self) -> Iterator[AnyEvent]: ...

    def cancel(self) -> None:
        """Ask for the end; iteration goes on to `Cancelled`."""

    def close(self) -> None:
        """Cancel what still runs and forget the request."""


class RawPrompt(NamedTuple):
    """A text to go on with as it is; with a `suffix` what belongs between the two is wanted."""

    prompt: str
    suffix: str | None = None


class Client(Protocol):
    """What this terminal needs of `ai_pal.client.Client`."""

    @property
    def endpoint(self) -> str: ...

    def chat(self, prompt: Sequence[Message], **how: Unpack["Asking"]) -> Stream: ...

    def complete_stream(
        self, prompt: str, suffix: str | None = None, **how: Unpack["Completing"]
    ) -> Stream: ...

    def rate(self, answer: int, good: bool) -> bool: ...

    def wait_gone(self, timeout: float) -> bool: ...

    def close(self) -> None: ...


class Session:
    """Owns the client, and the supervisor too when it is hosted for this chat only.
    `notify` gets what the user should know about the connection."""

    def __init__(
        self,
        settings: "Settings",
        *,
        own_supervisor: bool = False,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings = settings
        self._tell, self._told = notify, set[str]()
        self._read_at = time.monotonic()
        self._own = own_supervisor
        self._client: Client | None = None
        self._resources = ExitStack()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    @property
    def client(self) -> Client:
        """The connected client. Raises `AiPalError` (`supervisor_unreachable`, ...)."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def is_private(self, wishes: Wishes) -> bool:
        """Whether nothing of what is asked so may leave this machine."""
        return wishes.local_only or self.settings.private(wishes.goal)

    def is_among_mine(self, wishes: Wishes) -> bool:
        """Whether nothing of it may leave the user's own machines."""
        return wishes.mine or self.settings.mine or self.is_private(wishes)

    def chat(self, messages: list[Message], wishes: Wishes) -> Stream:
        """Send one request."""
        return self.client.chat(
            messages,
            model=wishes.model,
            options=wishes.options,
            deadline=wishes.deadline,
            keep_alive=wishes.keep_alive,
            pull=True,
            pull_limit=0 if self.settings.auto_pull else wishes.pull_limit,
            local_only=self.is_private(wishes),
            mine=wishes.mine or self.settings.mine,
            goal=wishes.goal,
            max_cost=wishes.max_cost,
            fallback=wishes.fallback,
            continuation=wishes.continuation,
            conversation=wishes.conversation,
            escalate=wishes.escalate,
        )

    def complete(self, raw: RawPrompt, wishes: Wishes) -> Stream:
        """Send one text to be gone on with, here."""
        return self.client.complete_stream(
            raw.prompt,
            raw.suffix,
            model=wishes.model,
            options=wishes.options,
            deadline=wishes.deadline,
            keep_alive=wishes.keep_alive,
            pull=True,
            pull_limit=0 if self.settings.auto_pull else wishes.pull_limit,
        )

    def see_out(self) -> None:
        """Wait for the end of a supervisor that takes nothing more: only then can another be started."""
        self.client.wait_gone(END_SECONDS)

    def drop(self) -> None:
        """Let go of the connection; the next use makes a new one."""
        self._client = None
        self._resources.close()

    def _notify(self, text: str) -> None:
        """Once per chat, however often it connects."""
        if text not in self._told:
            self._told.add(text)
            self._tell(text)

    def _connect(self) -> Client:
        if self._own:
            from ai_pal.client.daemon import hosted

            return self._resources.enter_context(hosted())
        from ai_pal.client.daemon import connect

        client = connect(self.settings, notify=self._notify, read_at=self._read_at)
        self._resources.callback(client.close)
        return client
