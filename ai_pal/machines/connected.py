"""The connection to one machine: made when it is first asked for, made anew after it broke, looked on at."""

import asyncio
import contextlib
from collections.abc import Callable

from ai_pal.client import AsyncClient
from ai_pal.client.scene import Scene
from ai_pal.client.usual import NOTHING
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.machines import ssh
from ai_pal.machines.link import Link
from ai_pal.machines.watching import SPEECHLESS, until_silent
from ai_pal.protocol.client import WorkerStatus
from ai_pal.protocol.egress import FromEgress, LoadedThere, MachineLost, MachineState
from ai_pal.protocol.provider import Machine

GREET_SECONDS = 10.0
"""For the supervisor there to answer at the other end of an open link."""


class Connected:
    """See the module. `tell` takes reports on their way to the supervisor here."""

    def __init__(self, name: str, machine: Machine, tell: Callable[[FromEgress], None]) -> None:
        self.name, self.machine, self._tell = name, machine, tell
        self._link: Link | None = None
        self._client: AsyncClient | None = None
        self._connecting: asyncio.Task[AsyncClient] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def greeted(self) -> bool:
        """Whether somebody is there, be its supervisor still starting."""
        return self._link is not None and self._link.greeting is not None and not self._link.over

    @property
    def failure(self) -> Failure:
        """Why the last link is over."""
        assert self._link is not None
        return self._link.failure

    async def client(self) -> AsyncClient:
        """A client of its supervisor. Who stops waiting leaves the connection to others. Raises
        `AiPalError`."""
        if self._client is not None and not self._client.lost:
            return self._client
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name=f"connect {self.name}")
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    def close(self) -> None:
        """Leave it."""
        for task in (self._connecting, self._looking, self._watching):
            if task is not None:
                task.cancel()
        if self._client is not None:
            self._client.close()
        if self._link is not None:
            self._link.close()

    async def _connect(self) -> AsyncClient:
        if self._link is not None:
            self._link.close()
        link = self._link = Link(self.name, self.machine)
        greeting = await asyncio.to_thread(link.open)
        client = AsyncClient(link.endpoint, timeout=GREET_SECONDS, usual=NOTHING)
        try:
            await client.__aenter__()
        except AiPalError as error:
            failure = link.failure if link.over else None
            if error.code == Code.PROTOCOL_MISMATCH:
                failure = ssh.older(self.name, greeting.version)
            link.close()
            if failure is not None:
                raise AiPalError(failure) from None
            raise
        self._client = client
        self._looking = asyncio.create_task(self._look(client, greeting.version), name=f"look {self.name}")
        self._watching = asyncio.create_task(self._watch(client, link), name=f"watch {self.name}")
        return client

    def _connected(self, task: "asyncio.Task[AsyncClient]") -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # whoever waits for it hears it; if nobody does, the next one asks again

    async def _watch(self, client: AsyncClient, link: Link) -> None:
        """When the supervisor there is silent, the link is given up."""
        with contextlib.suppress(AiPalError):  # it is over
            await until_silent(client.status)
            link.give_up(ssh.silent(self.name, SPEECHLESS))

    async def _look(self, client: AsyncClient, version: str) -> None:
        """Tell how it stands, until the link ends."""
        scene, told = Scene(), None
        try:
            here = await client.models(here=True)
            sizes = {model.name: model.size for model in here if model.purpose == "chat"}
            async for event in client.events():
                scene.take(event)
                state = _state(self.name, version, sizes, scene)
                if state != told:
                    self._tell(state)
                    told = state
        except AiPalError:
            pass  # it is over, which whoever asks next hears as well
        self._tell(MachineLost(self.name))


def _state(name: str, version: str, sizes: dict[str, int], scene: Scene) -> MachineState:
    models: dict[str, list[WorkerStatus]] = {}
    for one in scene.models.values():
        if not one.vocabulary:
            models.setdefault(one.asked_as, []).append(one)
    loaded = [
        LoadedThere(
            model=name,
            ready=any(one.state == "ready" for one in replicas),
            context=max(one.context for one in replicas),
            memory=sum(max(one.memory, one.reserved) for one in replicas),
            waiting=sum(one.queued for one in replicas),
            idle=not any(one.active or one.queued or one.pinned for one in replicas),
        )
        for name, replicas in models.items()
    ]
    return MachineState(name, version, _rounded(scene.free), sizes, loaded)


def _rounded(free: int) -> int:
    """Bytes, in steps: what moves all the time is no news."""
    return free - free % 100_000_000
