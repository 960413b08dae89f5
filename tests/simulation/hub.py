"""A simulated model hub: what a simulated egress process fetches of it, piece by piece, with drawn faults.

What has come lies on the simulated disk, whichever process brought it."""

from enum import StrEnum
from typing import TYPE_CHECKING

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol.wanted import HubFiles
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.services.download import Plan

if TYPE_CHECKING:
    from tests.simulation.elsewhere import SimEgress
    from tests.simulation.world import World

SIGSEGV = 11
DISTANT = "distant"
"""The model that has to be fetched before it can be loaded."""
ATTEMPTS = 2
WORD = 1.5
"""Seconds until a fetch hears that nobody wants it any more: a message on its way, and a piece."""
SIZE, PIECE = 8_000_000, 1_000_000
WANTED = HubFiles(f"sim/{DISTANT}")


class FetchTrouble(StrEnum):
    """What goes wrong with one fetch; the last two are of the process itself."""

    NONE = "none"
    OFFLINE = "offline"
    GATED = "gated"
    CUT = "cut"
    DISK_FULL = "disk_full"
    STALL = "stall"
    DIE = "die"
    FREEZE = "freeze"


CODES = {
    FetchTrouble.OFFLINE: Code.OFFLINE,
    FetchTrouble.GATED: Code.MODEL_GATED,
    FetchTrouble.CUT: Code.DOWNLOAD_FAILED,
    FetchTrouble.DISK_FULL: Code.DISK_FULL,
}
AT_ONCE = {FetchTrouble.OFFLINE, FetchTrouble.GATED}


class SimHub:
    """`done` bytes of the distant model are on the disk; it is `here` when they all are."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.risk = world.dice.choice((0.0, 0.4, 0.9))
        self.done = 0

    @property
    def here(self) -> bool:
        return self.done >= SIZE

    def lacks(self, reference: str) -> bool:
        return reference == DISTANT and not self.here

    def plan(self, reference: str) -> Plan:
        """As `downloads` wants it. Raises `AiPalError`."""
        if reference == DISTANT:
            return Plan(reference, "cache", WANTED, "path" if self.here else "", SIZE)
        if reference in self.world.tempers:
            return Plan(reference, path="path", size=SIZE)
        raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))


class Fetching:
    """One fetch in one egress process."""

    def __init__(self, process: "SimEgress", request: out.Fetch) -> None:
        dice = process.world.dice
        self._process, self._key, self._hub = process, request.key, process.world.hub
        wrong = dice.random() < self._hub.risk
        self._trouble = dice.choice(tuple(FetchTrouble)[1:]) if wrong else FetchTrouble.NONE
        self._at = PIECE * dice.randint(0, SIZE // PIECE - 1)
        self._pace = dice.choice((0.01, 0.2, 1.0))
        self._steps = 0
        process.world.note(process.identity, "fetches", request, self._trouble)
        process.later(dice.uniform(0.01, 0.5), self._begin)

    def _begin(self) -> None:
        if self._trouble in AT_ONCE:
            self._fail()
        else:
            self._step()

    def _step(self) -> None:
        """The next piece; nothing once it was cancelled."""
        if self._key not in self._process.fetches:
            return
        self._process.world.fetching.goes_on(self._key)
        if self._trouble is not FetchTrouble.NONE and self._hub.done >= self._at:
            self._go_wrong()
            return
        if self._process.world.machine.disk_full:
            self._trouble = FetchTrouble.DISK_FULL
            self._fail()
            return
        self._hub.done = min(SIZE, self._hub.done + PIECE)
        self._steps += 1
        self._process.send(out.FetchProgress(self._key, self._hub.done, SIZE, self._steps))
        if self._hub.here:
            del self._process.fetches[self._key]
            self._process.send(out.Fetched(self._key, "path", SIZE, "c0ffee"))
        else:
            self._process.later(self._pace, self._step)

    def _go_wrong(self) -> None:
        match self._trouble:
            case FetchTrouble.DIE:
                self._process.die(ExitStatus(signal=SIGSEGV))
            case FetchTrouble.FREEZE:
                self._process.freeze()
            case FetchTrouble.STALL:
                """No more comes, and nobody says so."""
            case _:
                self._fail()

    def _fail(self) -> None:
        if self._process.fetches.pop(self._key, None) is not None:
            failure = Failure(CODES[self._trouble], str(self._trouble), retryable=True)
            self._process.send(out.FetchFailed(self._key, failure))


class FetchChecks:
    """What must be true of downloads in every history."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._fetches = dict[int, int]()
        self._wanted = dict[int, float]()

    def fetched(self, process: "SimEgress", key: int) -> None:
        """A process is told to fetch."""
        expect = self._world.checks.expect
        self._fetches[key] = self._fetches.get(key, 0) + 1
        expect(self._fetches[key] <= ATTEMPTS, f"download {key} is begun once more")
        expect(not process.fetches, f"download {key} beside {list(process.fetches)} of the same model")
        self._world.checks.happened["fetch"] += 1

    def goes_on(self, key: int) -> None:
        """Another piece comes: somebody wants it, or the word that nobody does is still under way."""
        time = self._world.time
        if any(
            download.key == key and download.followers for download in self._world.daemon.downloads._all()
        ):
            self._wanted[key] = time.now()
        since = max(self._wanted.get(key, time.now()), time.jumped_at)
        troubled = any(process.from_supervisor.troubled for process in self._world.machine.egresses)
        excused = (
            troubled or self._world.daemon.supervisor.pool.closing
        )  # a process that ends is told nothing else
        late = time.now() - since > WORD
        self._world.checks.expect(not late or excused, f"download {key} goes on, and nobody wants it")

    def finally_quiet(self) -> None:
        self._world.checks.expect(not len(self._world.daemon.downloads), "a download is still open")
