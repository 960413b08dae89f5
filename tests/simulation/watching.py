"""Who looks on from the beginning, and who comes anew: what one has put together is what the other sees."""

from typing import TYPE_CHECKING

import msgspec

from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire
from ai_pal.server.services.base import Service
from ai_pal.server.services.subscriptions import INTERVAL, lasting

if TYPE_CHECKING:
    from tests.simulation.world import World

STAYS, NEW = b"looks on", b"looks on anew"
EVERY = 1.7
"""Seconds between two comparisons."""


class Watching:
    """Two clients that are there for nothing else; what they are told needs no way and no time."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._scenes = {STAYS: Scene(), NEW: Scene()}
        self._comparing = self._left = False

    def start(self, until: float) -> None:
        """Look on from now, and compare up to this moment."""
        self._service.start(STAYS, wire.Subscribe(1))
        when = EVERY
        while when < until - EVERY:
            self._world.time.at(when, self._look)
            when += EVERY
        self._world.time.at(until, self._leave)

    def told(self, client: bytes, event: wire.Event) -> bool:
        """Whether the event was for one of them."""
        if client in self._scenes and isinstance(event, wire.Picture | wire.Changes):
            self._scenes[client].take(event)
        return client in self._scenes

    @property
    def _service(self) -> Service:
        service = self._world.daemon.operations.of(wire.Subscribe(1))
        assert service is not None
        return service

    def _look(self) -> None:
        if not self._comparing and not self._world.daemon.stopping:
            self._comparing = True
            self._scenes[NEW] = Scene()
            self._service.start(NEW, wire.Subscribe(1))
            # What nobody announces is told when the time for a look has come, to both of them.
            self._world.checks.after(INTERVAL + 0.1, self._compare)

    def _leave(self) -> None:
        self._left = True
        self._service.cancel(STAYS, 1)

    def _compare(self) -> None:
        self._comparing = False
        if not self._service.cancel(NEW, 1) or self._left:
            return  # the supervisor stops, or the machine stood still for long
        seen, anew = self._scenes[STAYS], self._scenes[NEW]
        for what, one, other in (
            ("models", _lasting(seen), _lasting(anew)),
            ("downloads", seen.downloads, anew.downloads),
            ("requests", _standing(seen), _standing(anew)),
            ("clients", {"all": seen.clients}, {"all": anew.clients}),
        ):
            wrong = [(one.get(key), other.get(key)) for key in one | other if one.get(key) != other.get(key)]
            self._world.checks.expect(not wrong, f"{what} as they are seen, and anew: {wrong}")
        self._world.checks.happened["looked on"] += bool(anew.requests) + bool(anew.models)


def _lasting(scene: Scene) -> dict[str, wire.WorkerStatus]:
    return {name: lasting(one) for name, one in scene.models.items()}


def _standing(scene: Scene) -> dict[str, wire.RequestStatus]:
    """The requests without what passes by itself."""
    return {
        key: msgspec.structs.replace(one, seconds=0.0, tokens_per_second=0.0)
        for key, one in scene.requests.items()
    }
