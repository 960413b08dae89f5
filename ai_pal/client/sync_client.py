"""The client for plain, blocking code: a terminal, a script. One thread at a time."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar, Unpack

import zmq

from ai_pal.client import connection
from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking, chat_request, route_request
from ai_pal.client.connection import (
    LOST,
    OTHER_PROTOCOL,
    PROVIDERS_TIMEOUT,
    UNREACHABLE,
    Connection,
    silent,
)
from ai_pal.client.keywords import strict
from ai_pal.client.usual import Usual, usual_here
from ai_pal.config.egress_environment import pip_settings
from ai_pal.errors import AiPalError, main_reason
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message

CONTROL_TIMEOUT = 10.0
"""Seconds within which the supervisor answers what needs no model."""

CLOSE_TIMEOUT = 1.0
"""Seconds that a closed stream waits for its end."""

E = TypeVar("E", bound=wire.Event)
Call = wire.Status | wire.Unload | wire.Stop | wire.Route | wire.Providers


@strict
class Client:
    """A connection to the supervisor at `endpoint`.

    Raises `AiPalError`: `supervisor_unreachable`, `protocol_mismatch`, and from every method
    `supervisor_lost` when the supervisor goes away."""

    welcome: wire.Welcome

    def __init__(self, endpoint: str, *, timeout: float = 5.0, usual: Usual | None = None) -> None:
        self._usual = usual
        self._connection = Connection(endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self._connection.socket, zmq.POLLIN)
        self._poller.register(self._connection.monitor, zmq.POLLIN)
        self._next_id = 0
        self._waiting: dict[int, deque[wire.AnyEvent]] = {0: deque()}
        try:
            self.welcome = self._greet(timeout)
        except BaseException:
            self._connection.close()
            raise

    @property
    def endpoint(self) -> str:
        return self._connection.endpoint

    @property
    def usual(self) -> Usual:
        """What is meant by requests that do not say it: by default what this process's environment says."""
        if self._usual is None:
            self._usual = usual_here()
        return self._usual

    @usual.setter
    def usual(self, usual: Usual) -> None:
        self._usual = usual

    @property
    def lost(self) -> bool:
        """Whether the supervisor is gone: nothing more can be asked here."""
        return self._connection.lost

    def chat(self, prompt: str | Sequence[Message], **how: Unpack[Asking]) -> "ChatStream":
        """Ask, and iterate over the events of the answer as they come."""
        request_id = self._new_id()
        request = chat_request(request_id, prompt, how, self.usual)
        self._connection.send(request)
        return ChatStream(self, request_id)

    def ask(self, prompt: str | Sequence[Message], **how: Unpack[Asking]) -> Answer:
        """Ask, and wait for the whole answer; keywords as for `chat`."""
        answer = Answer()
        for event in self.chat(prompt, **how):
            answer.take(event)
        return answer

    def route(self, prompt: str | Sequence[Message], **how: Unpack[Asking]) -> wire.Routed:
        """What `chat` with the same keywords would do, and why."""
        request = route_request(self._new_id(), prompt, how, self.usual)
        return self._call(request, wire.Routed)

    def providers(self, timeout: float = PROVIDERS_TIMEOUT) -> list[wire.ProviderStatus]:
        """The providers that are set up, each with the models that it has."""
        return self._call(wire.Providers(self._new_id()), wire.ProvidersReply, timeout).providers

    def status(self) -> wire.StatusReply:
        """What the supervisor and its workers are doing."""
        return self._call(wire.Status(self._new_id()), wire.StatusReply)

    def load(
        self, model: str = "", keep_alive: float | None = None, *, pull: bool = False, pull_limit: int = 0
    ) -> Iterator[wire.Pulling | wire.Loading | wire.Loaded]:
        """Load a model, from this call on; yields `Loading` events and then one `Loaded`. With `pull` a model
        that is not here is downloaded first: `Pulling` events."""
        request = wire.Load(
            self._new_id(),
            model or self.usual.model,
            keep_alive,
            pull,
            pull_limit,
            self.usual.keep_alive,
            pip_settings() if pull else {},
        )
        self._connection.send(request)
        return self._loading(request.id)

    def pull(self, model: str = "") -> Iterator[wire.Pulling | wire.Pulled]:
        """Bring a model onto this machine, from this call on; yields `Pulling` events and then one `Pulled`.
        Leaving the iteration early stops the download, unless others follow it; what has come is kept."""
        request = wire.Pull(self._new_id(), model or self.usual.model, pip_settings())
        self._connection.send(request)
        return self._pulling(request.id)

    def unload(self, model: str = "", timeout: float = 60.0) -> list[str]:
        """Unload a model, all without a name; returns what was unloaded."""
        return self._call(wire.Unload(self._new_id(), model), wire.Unloaded, timeout).models

    def stop(self, *, only_if_idle: bool = False) -> None:
        """Stop the supervisor. Raises `AiPalError` (`model_busy`) when it is to stop only if idle."""
        self._call(wire.Stop(self._new_id(), only_if_idle), wire.Stopping)

    def wait_gone(self, timeout: float) -> bool:
        """Wait until the supervisor has closed the connection; False when it still has not."""
        deadline = time.monotonic() + timeout
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._receive(left)
        except AiPalError:
            return True
        return False

    def close(self) -> None:
        """Leave: what is still open is cancelled."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- for ChatStream ------------------------------------------------------------------------

    def send(self, request: wire.Request) -> None:
        """Send one request as it is."""
        self._connection.send(request)

    def events(self, request_id: int, timeout: float | None = None) -> Iterator[wire.AnyEvent]:
        """Events of one request as they come; the caller stops at the last. Without `timeout` they are
        waited for as long as the supervisor runs: it keeps the deadlines."""
        mine = self._waiting[request_id]
        deadline = None if timeout is None else time.monotonic() + timeout
        probed = False
        while True:
            while mine:
                yield mine.popleft()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise AiPalError(silent(self.endpoint))
            heard = self._receive(connection.SILENCE if left is None else left)
            if not heard and deadline is None:
                self._probe(probed)
            probed = not heard

    def forget(self, request_id: int) -> None:
        """Drop whatever still comes for this request."""
        self._waiting.pop(request_id, None)

    # -- inside --------------------------------------------------------------------------------

    def _loading(self, request_id: int) -> Iterator[wire.Pulling | wire.Loading | wire.Loaded]:
        try:
            for event in self.events(request_id):
                if isinstance(event, wire.Failed):
                    raise AiPalError(main_reason(event.reasons))
                if isinstance(event, wire.Pulling | wire.Loading | wire.Loaded):
                    yield event
                if isinstance(event, wire.Loaded):
                    return
        finally:
            self.forget(request_id)

    def _pulling(self, request_id: int) -> Iterator[wire.Pulling | wire.Pulled]:
        ended = False
        try:
            for event in self.events(request_id):
                ended = isinstance(event, wire.Failed | wire.Pulled)
                if isinstance(event, wire.Failed):
                    raise AiPalError(main_reason(event.reasons))
                if isinstance(event, wire.Pulling | wire.Pulled):
                    yield event
                if ended:
                    return
        finally:
            if not ended:
                with contextlib.suppress(AiPalError, zmq.ZMQError):
                    self._connection.send(wire.Cancel(request_id))
            self.forget(request_id)

    def _probe(self, again: bool) -> None:
        """Ask for any word at all. Raises `AiPalError` when that was done already."""
        if again:
            raise AiPalError(silent(self.endpoint))
        self._next_id += 1  # nobody waits for the answer itself
        self._connection.send(wire.Status(self._next_id))

    def _new_id(self) -> int:
        """A new request id, and a place for its events."""
        self._next_id += 1
        self._waiting[self._next_id] = deque()
        return self._next_id

    def _call(self, request: Call, reply: type[E], timeout: float = CONTROL_TIMEOUT) -> E:
        self._connection.send(request)
        try:
            for event in self.events(request.id, timeout):
                if isinstance(event, wire.Failed):
                    raise AiPalError(main_reason(event.reasons))
                if isinstance(event, reply):
                    return event
        finally:
            self.forget(request.id)
        raise AssertionError("events() ends only by an exception")

    def _greet(self, timeout: float) -> wire.Welcome:
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._receive(left)
            except AiPalError as error:
                raise AiPalError(UNREACHABLE) from error
            for event in self._waiting[0]:
                if isinstance(event, wire.Welcome):
                    if event.protocol != wire.PROTOCOL:
                        raise AiPalError(OTHER_PROTOCOL)
                    self._waiting[0].clear()
                    return event
                if isinstance(event, wire.Failed):
                    raise AiPalError(main_reason(event.reasons))
        raise AiPalError(silent(self.endpoint))

    def _receive(self, timeout: float) -> bool:
        """Wait for one message and sort its events by request; False when none came. Raises when the
        supervisor is gone."""
        socket = self._connection.socket
        ready = dict(self._poller.poll(max(0, int(timeout * 1000) + 1)))
        # What was sent before the end may show up only after the poll has looked at the socket.
        if socket in ready or (ready and socket.poll(0)):
            for event in self._connection.receive():
                waiting = self._waiting.get(getattr(event, "id", 0))
                if waiting is not None:
                    waiting.append(event)
        elif ready:
            raise AiPalError(LOST)
        return bool(ready)


class ChatStream:
    """One answer under way. Iterating yields every event up to and including the terminal one."""

    def __init__(self, client: Client, request_id: int) -> None:
        self.id = request_id
        self._client = client
        self._ended = False

    def __iter__(self) -> Iterator[wire.AnyEvent]:
        return self._until(None)

    def cancel(self) -> None:
        """Stop the answer; iteration goes on to its end, `Cancelled` unless it was over already."""
        if not self._ended:
            self._client.send(wire.Cancel(self.id))

    def close(self) -> None:
        """Stop the answer, and wait a moment for the supervisor to confirm it."""
        if self._ended:
            return
        self.cancel()
        with contextlib.suppress(AiPalError):
            for _ in self._until(CLOSE_TIMEOUT):
                pass
        self._client.forget(self.id)

    def _until(self, timeout: float | None) -> Iterator[wire.AnyEvent]:
        if self._ended:
            return
        try:
            for event in self._client.events(self.id, timeout):
                self._ended = isinstance(event, wire.TERMINAL)
                if self._ended:
                    self._client.forget(self.id)
                yield event
                if self._ended:
                    return
        except AiPalError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """The supervisor is gone or silent: should it come back, nobody waits for the answer."""
        with contextlib.suppress(AiPalError, zmq.ZMQError):
            self.cancel()
        self._ended = True
        self._client.forget(self.id)
