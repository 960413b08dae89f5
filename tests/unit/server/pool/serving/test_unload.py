"""An unload that had to end its worker by force: the requests end, the model stays unloaded."""

from collections.abc import Callable, Sequence

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.sockets import Blob
from tests.endpoints import NoProcess, resolve
from tests.local_router import NoDownloads, ask
from tests.simulation.clock import VirtualClock

ME = b"me"


class Stubborn(NoProcess):
    """A process that ends by SIGKILL only."""

    def __init__(self, on_exit: Callable[[ExitStatus], None]) -> None:
        self.kill = lambda: on_exit(ExitStatus(signal=9))  # type: ignore[method-assign]


class Deaf:
    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        return True


class World:
    """One supervisor with workers that never answer; `heard` is what its client was told."""

    def __init__(self) -> None:
        self.launches = 0
        self.heard: list[wire.Event] = []
        self.clock = VirtualClock()
        self.supervisor = Supervisor(
            clients=self,
            workers=Deaf(),
            launcher=self,
            clock=self.clock,
            resolve=resolve,
            jitter=lambda: 0.5,
            observe=lambda event, **fields: None,
        )
        self.clock.alarm = self.supervisor.tick

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Stubborn:
        self.launches += 1
        self.worker = spec.worker
        return Stubborn(on_exit)

    def send(self, client: bytes, event: wire.Event) -> None:
        self.heard.append(event)


@pytest.mark.parametrize("spoken", [False, True], ids=["before the first word", "in mid-answer"])
def test_what_the_drain_did_not_end_is_not_tried_again(spoken: bool) -> None:
    world = World()
    supervisor, policy = world.supervisor, lifecycle.Policy()
    models = LocalModels(supervisor, NoDownloads(), world)
    ask(models, world, ME, wire.Chat(1, [Message("user", "x")], "echo"))
    supervisor.worker_message(world.worker, inner.WorkerHello(1, "1"))
    supervisor.worker_message(world.worker, inner.Ready(1, 100, 0.1, "echo", 1))
    if spoken:
        key = next(iter(supervisor.pool.find("echo").active))  # type: ignore[union-attr]
        item = inner.DeltaItem(key, 0, 1, inner.encode("word "))  # type: ignore[arg-type]
        supervisor.worker_message(world.worker, inner.Deltas([item]))
    supervisor.unload(ME, wire.Unload(2, "echo"))
    while world.clock.now() < policy.drain_timeout + policy.terminate_timeout + 1:
        supervisor.worker_message(world.worker, inner.Beat(1, 1))
        world.clock.run(world.clock.now() + 1)
    *_, end, unloaded = world.heard
    assert isinstance(end, wire.Interrupted if spoken else wire.Failed)
    reason = end.reason if isinstance(end, wire.Interrupted) else end.reasons[-1]
    assert reason.code == Code.UNLOADED
    assert unloaded == wire.Unloaded(2, ["echo"])
    assert world.launches == 1
