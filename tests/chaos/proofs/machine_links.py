"""Another machine of the user's, behind a real SSH server, is cut off, killed, asleep or another one, before
it is asked and while it answers: told in time, the walk goes on, nothing there computes for nobody.
"""

import random
import time
from collections.abc import Callable
from typing import NamedTuple

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.chaos.laboratory import Laboratory
from tests.chaos.other_machine import Box, Watched, ssh_here
from tests.chaos.tally import Tally
from tests.process.answers import slow
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.servers import sshd
from workers.engines.echo.text import reference

TOLD = 4.0
"""Seconds until an answer that broke is told, or another has begun in its place."""

LOCAL = 2.0
"""Seconds that this machine may take for its first word, its start included."""

ENDED = 3.0
"""Seconds after which nothing there goes on for this machine any more."""

SETTINGS: dict[str, object] = {"start_timeout": 20}
SOON = 0.5
SETTLE = 60.0
TOKENS = 400
PIECES = TOKENS // 4
"""In which they come, at least: text that comes fast is sent together."""
MACHINE, HERE = 4, 1


class Linked(Asked):
    """A request that goes to the other machine first, and to this one behind it."""

    def __init__(self, client: Client) -> None:
        self.client, self.model = client, "the router's choice"
        self.stream = client.chat(self.prompt, options=slow(tokens=TOKENS), mine=True, goal="quality")
        self.events: list[wire.AnyEvent] = []
        self.lost = None

    @property
    def wanted(self) -> int:  # type: ignore[override]
        """As many as come: what comes from the other machine is counted by the piece."""
        return sum(event.n for event in self.events if isinstance(event, wire.Delta))

    def is_prefix(self, tokens: int) -> bool:
        whole = "".join(reference([Message("user", self.prompt)], TOKENS))
        return whole == self.text if isinstance(self.end, wire.Done) else whole.startswith(self.text)

    @property
    def tiers(self) -> list[int]:
        """Of those who have begun to answer."""
        return [event.tier for event in self.events if isinstance(event, wire.Started)]

    @property
    def reasons(self) -> str:
        """All that was told of what went wrong."""
        told = [event.reason for event in self.events if isinstance(event, wire.Notice)]
        told += [self.end.reason.message] if isinstance(self.end, wire.Interrupted) else []
        return "; ".join(told)

    def told(self, within: float) -> bool:
        """Whether it has ended, or this machine has begun to answer, in time."""
        until = time.monotonic() + within
        try:
            while self.end is None and HERE not in self.tiers:
                self.until(wire.Started, max(0.0, until - time.monotonic()))
        except AiPalError:
            return False
        return True

    @property
    def went_on(self) -> bool:
        """Whether the other machine has given all of it."""
        return isinstance(self.end, wire.Done) and self.tiers == [MACHINE]


class Blow(NamedTuple):
    """What befalls the machine, or the link to it. `words` are told where nobody had asked it before. One
    that is `brief` harms only what is under way: whoever asks then may be answered all the same."""

    name: str
    strike: Callable[[Box], None]
    brief: bool = False
    words: str = ""


def _kill_ssh(box: Box) -> None:
    for one in ssh_here(box):
        one.kill()


def _kill_supervisor(box: Box) -> None:
    if (supervisor := box.supervisor()) is not None:
        supervisor.kill()


def _grow_old(box: Box) -> None:
    box.install("0.0.9")
    box.kill_sessions()


ASLEEP = "a machine asleep"
BLOWS = (
    Blow("a line cut without a FIN", Box.freeze, brief=True),
    Blow("a killed ssh", _kill_ssh, brief=True),
    Blow("killed sessions of its SSH server", Box.kill_sessions, brief=True),
    Blow("its supervisor killed", _kill_supervisor, brief=True),
    Blow(ASLEEP, Box.fall_asleep),
    Blow("an older version there", _grow_old, words="another version (0.0.9)"),
    Blow("another host key", Box.change_host_key, words="is not the machine that was added"),
)
Scene = Callable[[Client, random.Random, Callable[[], None]], Linked]


def _unlinked(client: Client, dice: random.Random, strike: Callable[[], None]) -> Linked:
    """Nobody has asked it yet."""
    strike()
    return Linked(client)


def _reached(client: Client) -> bool:
    """Whether it has answered; a login may take too long for one who asks on a busy machine."""
    try:
        return bool(client.ask("one", model="box:echo", deadline=SETTLE).text)
    except AiPalError as error:
        if not error.retryable:
            raise
        return False


def _is_preferred(client: Client) -> bool:
    """Whether it would be asked first: not while it still tells of the request before that waited."""
    return client.route("one", mine=True, goal="quality").candidates[0].tier == MACHINE


def _linked(client: Client, dice: random.Random, strike: Callable[[], None]) -> Linked:
    """A link stands, and nothing is asked."""
    eventually(lambda: _reached(client), SETTLE)
    eventually(lambda: _is_preferred(client), SETTLE)
    strike()
    return Linked(client)


def _asked(client: Client, dice: random.Random, strike: Callable[[], None]) -> Linked:
    """It has been asked: the login, a start there, or the first words."""
    asked = Linked(client)
    time.sleep(dice.uniform(0, SOON))
    strike()
    return asked


def _streaming(client: Client, dice: random.Random, strike: Callable[[], None]) -> Linked:
    """It is in the middle of its answer."""
    asked, at = Linked(client), dice.randrange(PIECES // 2)
    for event in asked.stream.within(SETTLE):
        asked.events.append(event)
        if isinstance(event, wire.TERMINAL) or (isinstance(event, wire.Delta) and event.seq >= at):
            break
    strike()
    return asked


SCENES: tuple[Scene, ...] = (_unlinked, _linked, _asked, _streaming)
FULL, SMALL = 10 * len(BLOWS) * len(SCENES), 1


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one blow, under a supervisor that knows nothing of the last one."""
    assert sshd.is_here(), "openssh-server is not here: scripts/setup --dev"
    turns = [(blow, scene) for blow in BLOWS for scene in SCENES]
    lab.report.tally = Tally((blow.name, scene.__name__[1:]) for blow, scene in turns)
    with Box() as box:
        for blow, scene in lab.turns(dice, turns, rounds):
            lab.configure(box.config, **box.agent)
            flaws = len(lab.report.broken)
            try:
                _round(lab, dice, box, blow, scene)
            finally:
                box.mend()
            lab.stop()
            _is_over(lab, box)
            lab.report.tally.count(blow.name, scene.__name__[1:])
            for at in range(flaws, len(lab.report.broken)):
                lab.report.broken[at] += f" [{scene.__name__[1:]}, {blow.name}]"
        lab.configure(box.config, **box.agent)
        with lab.client() as client:
            asked = Linked(client)
            lab.report.expect(asked.finish(SETTLE) and asked.tiers == [MACHINE], f"it is back: {asked.tiers}")


def _round(lab: Laboratory, dice: random.Random, box: Box, blow: Blow, scene: Scene) -> None:
    report, phase = lab.report, scene.__name__[1:]
    with lab.client() as client:
        asked = scene(client, dice, lambda: blow.strike(box))
        struck, begun = time.monotonic(), bool(asked.text)
        within = 2 * ENDED * report.slack
        watched = Watched(box, within) if blow.name != ASLEEP else None
        heard = asked.told(SETTLE * report.slack)
        took = time.monotonic() - struck
        if blow.name == ASLEEP:
            box.wake()
        watched = watched or Watched(box, within)
        if not (heard and asked.finish(SETTLE * report.slack)):
            asked.cancel()
            report.expect(False, "no end")
        report.ended(asked)
        if asked.went_on:
            report.expect(blow.brief and not begun, "it answers all the same")
            report.outcomes["answered all the same"] += 1
            return
        what, limit = ("the end", TOLD) if begun else ("another begins", TOLD + LOCAL)
        report.took(f"{what} after {blow.name}", took, limit)
        report.tally.heard(blow.name, phase, took)
        report.took(f"it goes on there after {blow.name}", watched.finished(), ENDED)
        _judge(lab, asked, blow, scene)


def _judge(lab: Laboratory, asked: Linked, blow: Blow, scene: Scene) -> None:
    """An answer that the other machine had begun is interrupted; any other is given by this one."""
    broke = MACHINE in asked.tiers
    lab.report.expect(
        isinstance(asked.end, wire.Interrupted if broke else wire.Done),
        f"{asked.tiers} have answered, and it ended with {asked.end}",
    )
    words = blow.words if scene is _unlinked else ""
    lab.report.expect("box" in asked.reasons and words in asked.reasons, f"it was told {asked.reasons!r}")


def _is_over(lab: Laboratory, box: Box) -> None:
    """Nothing of the links is left, here or there."""
    begun = time.monotonic()
    eventually(lambda: not box.relays() and not ssh_here(box), SETTLE * lab.report.slack)
    lab.report.took("the last of a link, after a stop", time.monotonic() - begun, ENDED)
