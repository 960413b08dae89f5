"""The client for a running asyncio event loop: many answers at once over one connection."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import zmq

from ai_pal.client import connection
from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking, chat_request, route_request
from ai_pal.client.connection import LOST, PROVIDERS_TIMEOUT, UNREACHABLE, Connection, silent
from ai_pal.client.keywords import strict
from ai_pal.client.usual import Usual, usual_here
from ai_pal.config.egress_environment import pip_settings
from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.transport.sockets import HIGH_WATER, readable

CONTROL_TIMEOUT = 10.0
UNLOAD_TIMEOUT = 60.0
DRAIN_LIMIT = 64
EVENT_LIMIT = 20_000
"""Events of one request that may wait for its reader; then the request is cut off."""

T = TypeVar("T")
E = TypeVar("E", bound=wire.Event)
Call = wire.Status | wire.Unload | wire.Stop | wire.Route | wire.Providers

TOO_SLOW = Failure(
    Code.CLIENT_TOO_SLOW, f"more than {EVENT_LIMIT} events waited for their reader", "iterate faster"
)


@strict
class AsyncClient:
    """A connection to the supervisor at `endpoint`; use it as an async context manager.

    What unloads, loads, pulls or stops begins with the call; awaiting waits for the end. One reader drains
    the raw socket: an awaited receive per message would cost several times more.
    Raises `AiPalError` as the blocking client does."""

    welcome: wire.Welcome

    def __init__(self, endpoint: str, *, timeout: float = 5.0, usual: Usual | None = None) -> None:
        self._usual = usual
        self._endpoint, self._timeout = endpoint, timeout
        self._next_id = 0
        self._waiting: dict[int, Inbox] = {}
        self._scheduled = False
        self._lost = False
        self._heard = self._probed = False
        self._watch: asyncio.TimerHandle | None = None
        self._begun: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(self._endpoint)
        self._waiting[0] = Inbox()
        self._fds: list[int] = [self._connection.socket.FD, self._connection.monitor.FD]
        for fd, read in zip(self._fds, (self._drain, self._disconnected), strict=True):
            self._loop.add_reader(fd, read)
        # Both descriptors are edge-triggered: without a first look they may stay silent for ever.
        self._schedule()
        self._loop.call_soon(self._disconnected)
        try:
            self.welcome = await self._expect(0, wire.Welcome, self._timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, AiPalError) and error.code == Code.SUPERVISOR_LOST:
                raise AiPalError(UNREACHABLE) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        if not self._connection.socket.closed:
            self._disconnected()
        return self._connection.lost

    def close(self) -> None:
        """Leave: what is still open is cancelled. The loop may be closed already."""
        if self._connection.socket.closed:
            return
        if not self._loop.is_closed():
            for fd in self._fds:
                self._loop.remove_reader(fd)
        self._connection.close()
        for inbox in self._waiting.values():
            inbox.fail(LOST)

    async def chat(
        self, prompt: str | Sequence[Message], **how: Unpack[Asking]
    ) -> AsyncGenerator[wire.AnyEvent, None]:
        """Ask, and yield the events of the answer up to its terminal one. Leaving the iteration
        early (close the generator, `contextlib.aclosing`) cancels the answer."""
        request_id = self._new_id()
        request = chat_request(request_id, prompt, how, self.usual)
        self._send(request)
        ended = False
        try:
            while not ended:
                event = await self._waiting[request_id].get()
                ended = isinstance(event, wire.TERMINAL)
                yield event
        finally:
            del self._waiting[request_id]
            if not ended:
                with contextlib.suppress(AiPalError, zmq.ZMQError):
                    self._send(wire.Cancel(request_id))

    async def ask(self, prompt: str | Sequence[Message], **how: Unpack[Asking]) -> Answer:
        """Ask, and wait for the whole answer; keywords as for `chat`."""
        answer = Answer()
        async for event in self.chat(prompt, **how):
            answer.take(event)
        return answer

    def cancel(self, request_id: int) -> None:
        """Stop the answer with this id (every event carries it)."""
        self._send(wire.Cancel(request_id))

    async def route(self, prompt: str | Sequence[Message], **how: Unpack[Asking]) -> wire.Routed:
        """What `chat` with the same keywords would do, and why."""
        return await self._call(route_request(self._new_id(), prompt, how, self.usual), wire.Routed)

    async def providers(self) -> list[wire.ProviderStatus]:
        """The providers that are set up, each with the models that it has."""
        request = wire.Providers(self._new_id())
        return (await self._call(request, wire.ProvidersReply, PROVIDERS_TIMEOUT)).providers

    async def status(self) -> wire.StatusReply:
        """What the supervisor and its workers are doing."""
        return await self._call(wire.Status(self._new_id()), wire.StatusReply)

    def load(self, model: str = "", keep_alive: float | None = None) -> "asyncio.Task[wire.Loaded]":
        """Load a model; awaited it waits until that is ready. There is no total limit, stalls end it."""
        request = wire.Load(
            self._new_id(),
            model or self.usual.model,
            keep_alive,
            usual_keep_alive=self.usual.keep_alive,
        )
        self._begin(request)
        return self._own(self._reply(request.id, wire.Loaded, None))

    def pull(self, model: str = "") -> AsyncIterator[wire.Pulling | wire.Pulled]:
        """Bring a model onto this machine: `Pulling` events and then one `Pulled`. Leaving the iteration
        early stops the download, unless others follow it; what has come is kept."""
        request = wire.Pull(self._new_id(), model or self.usual.model, pip_settings())
        self._begin(request)
        return self._pulling(request.id)

    def unload(self, model: str = "") -> "asyncio.Task[list[str]]":
        """Unload a model, all without a name; awaited it gives what was unloaded."""
        request = wire.Unload(self._new_id(), model)
        self._begin(request)
        return self._own(self._unloaded(request.id))

    def stop(self, *, only_if_idle: bool = False) -> "asyncio.Task[wire.Stopping]":
        """Stop the supervisor."""
        request = wire.Stop(self._new_id(), only_if_idle)
        self._begin(request)
        return self._own(self._reply(request.id, wire.Stopping, CONTROL_TIMEOUT))

    # -- inside --------------------------------------------------------------------------------

    def _new_id(self) -> int:
        self._next_id += 1
        self._waiting[self._next_id] = Inbox()
        if self._watch is None:
            self._heard, self._probed = True, False
            self._watch = self._loop.call_later(connection.SILENCE, self._look)
        return self._next_id

    def _look(self) -> None:
        """A supervisor that said nothing since the last look is asked whether it runs, then given up."""
        self._watch = None
        if self._connection.socket.closed or self._waiting.keys() <= {0}:
            return
        self._drain()
        if not self._heard and self._probed:
            for inbox in self._waiting.values():
                inbox.fail(silent(self._endpoint))
            return
        self._probed = not self._heard
        if self._probed and not self._lost:
            self._next_id += 1  # nobody waits for the answer itself
            self._send(wire.Status(self._next_id))
        self._heard = False
        self._watch = self._loop.call_later(connection.SILENCE, self._look)

    async def _call(self, request: Call, reply: type[E], seconds: float = CONTROL_TIMEOUT) -> E:
        self._begin(request)
        return await self._reply(request.id, reply, seconds)

    def _begin(self, request: Call | wire.Load | wire.Pull) -> None:
        """Send it; its inbox is there already, and goes where that fails."""
        try:
            self._send(request)
        except BaseException:
            del self._waiting[request.id]
            raise

    def _own(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """The rest of what a call has begun, whether it is awaited or not."""
        task = self._loop.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._begun.discard(task)
        if self._connection.socket.closed and not task.cancelled():
            task.exception()  # who has left does not wait: nothing to complain of

    async def _reply(self, request_id: int, reply: type[E], seconds: float | None) -> E:
        try:
            return await self._expect(request_id, reply, seconds)
        finally:
            del self._waiting[request_id]

    async def _unloaded(self, request_id: int) -> list[str]:
        return (await self._reply(request_id, wire.Unloaded, UNLOAD_TIMEOUT)).models

    async def _pulling(self, request_id: int) -> AsyncGenerator[wire.Pulling | wire.Pulled, None]:
        ended = False
        try:
            while not ended:
                event = await self._waiting[request_id].get()
                ended = isinstance(event, wire.Failed | wire.Pulled)
                if isinstance(event, wire.Failed):
                    raise AiPalError(main_reason(event.reasons))
                if isinstance(event, wire.Pulling | wire.Pulled):
                    yield event
        finally:
            del self._waiting[request_id]
            if not ended:
                with contextlib.suppress(AiPalError, zmq.ZMQError):
                    self._send(wire.Cancel(request_id))

    async def _expect(self, request_id: int, reply: type[E], seconds: float | None) -> E:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await self._waiting[request_id].get()
                    if isinstance(event, wire.Failed):
                        raise AiPalError(main_reason(event.reasons))
                    if isinstance(event, reply):
                        return event
        except TimeoutError:
            raise AiPalError(silent(self._endpoint)) from None

    def _send(self, request: wire.Request) -> None:
        if self._lost:
            raise AiPalError(LOST)
        self._connection.send(request)
        self._schedule()

    def _schedule(self) -> None:
        """Look at the socket again soon: its file descriptor is edge-triggered."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _drain(self, limit: int = DRAIN_LIMIT) -> None:
        self._scheduled = False
        socket = self._connection.socket
        for _ in range(limit):
            if socket.closed or not readable(socket):
                return
            self._heard = True
            self._sort(self._connection.receive())
        self._schedule()

    def _sort(self, events: Iterable[wire.AnyEvent]) -> None:
        for event in events:
            inbox = self._waiting.get(getattr(event, "id", 0))
            if inbox is not None:
                inbox.put(event)

    def _disconnected(self) -> None:
        monitor = self._connection.monitor
        if monitor.closed or not readable(monitor):
            return
        self._lost = True
        self._drain(2 * HIGH_WATER)  # its last words
        for inbox in self._waiting.values():
            inbox.fail(LOST)


class Inbox:
    """The events of one request, for one reader. Cheaper than a queue: a burst wakes it once."""

    def __init__(self) -> None:
        self._events: list[wire.AnyEvent] = []
        self._taken = 0
        self._failure: Failure | None = None
        self._ready = asyncio.Event()

    def put(self, event: wire.AnyEvent) -> None:
        if len(self._events) - self._taken >= EVENT_LIMIT:
            self.fail(TOO_SLOW)
            return
        self._events.append(event)
        self._ready.set()

    def fail(self, failure: Failure) -> None:
        """Nothing more is coming: whoever reads past what is there gets this failure."""
        self._failure = self._failure or failure
        self._ready.set()

    async def get(self) -> wire.AnyEvent:
        while self._taken == len(self._events):
            self._events.clear()
            self._taken = 0
            if self._failure is not None:
                raise AiPalError(self._failure)
            self._ready.clear()
            await self._ready.wait()
        event = self._events[self._taken]
        self._taken += 1
        return event
