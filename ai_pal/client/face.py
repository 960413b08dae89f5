"""What both clients have in common besides waiting: their endpoint, and the defaults of their requests."""

from collections.abc import Callable

from ai_pal.client.usual import Usual, usual_here
from ai_pal.protocol import client as wire

CONTROL_TIMEOUT = 10.0
"""Seconds within which the supervisor answers what needs no model."""

PROVIDERS_TIMEOUT = 60.0
"""Seconds for what others are asked for: a process is started, SDKs are imported, servers have 5 s each."""

MODELS_TIMEOUT = 30.0
"""Seconds for a look at all models on the disk."""

REVISIONS_TIMEOUT = 180.0
"""Seconds for the hub to tell of a hundred repositories."""

UNLOAD_TIMEOUT = 60.0
"""Seconds for answers under way to end, and their worker with them."""

Meanwhile = Callable[[wire.AnyEvent], None]
"""What is told before the one reply that a call waits for: places in the queue, downloads, loads."""


def unheard(event: wire.AnyEvent) -> None:
    """Ignores signs of life: the default of `meanwhile`."""


class Face:
    """A client of the supervisor at `endpoint`. Who has to show that vectors, scores or a count are under way
    sets `meanwhile`."""

    meanwhile: Meanwhile = staticmethod(unheard)

    def __init__(self, endpoint: str, usual: Usual | None) -> None:
        address: object = endpoint
        if not isinstance(address, str):
            given = type(address).__name__
            finds = "ai_pal.client.daemon.connect(settings) finds or starts one"
            raise TypeError(f"endpoint takes the address of a supervisor, not {given}: {finds}")
        self._endpoint, self._usual = endpoint, usual

    @property
    def endpoint(self) -> str:
        """Where the supervisor listens."""
        return self._endpoint

    @property
    def usual(self) -> Usual:
        """What is meant by requests that do not say it: by default what this process's environment says."""
        if self._usual is None:
            self._usual = usual_here()
        return self._usual

    @usual.setter
    def usual(self, usual: Usual) -> None:
        self._usual = usual
