"""Other machines of the user's: whether each is there, and what it has. All are looked at at once."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ai_pal.cli.doctor.finding import Finding, failed, ok, warn
from ai_pal.cli.doctor.providers import SETTLED
from ai_pal.config import Settings
from ai_pal.counted import counted
from ai_pal.errors import Code

if TYPE_CHECKING:
    from ai_pal.machines.seen import Seen
    from ai_pal.protocol.provider import Machine

WITHIN = 15.0
"""Seconds for all of them together. What is silent is told by its own limits long before; this is for an
AI-PAL there that has to be started first."""

LASTING = (Code.MACHINE_CHANGED, Code.ACCESS_DENIED, Code.PROTOCOL_MISMATCH)
"""They do not pass by themselves."""


def check_machines(settings: Settings) -> Iterator[Finding]:
    """Look at each, unless nothing may leave this machine. A thread that does not end in time is left behind:
    it holds nobody up."""
    from ai_pal.config.machine_settings import address
    from ai_pal.machines.seen import see

    if settings.private():
        for name, one in settings.machines.items():
            if not one.url:
                yield ok(name, SETTLED[Code.LOCAL_ONLY])
        return
    found: dict[str, Seen] = {}

    def look_at(name: str, machine: "Machine") -> None:
        found[name] = see(name, machine)

    looks = {
        name: threading.Thread(target=look_at, args=(name, address(one)), daemon=True)
        for name, one in settings.machines.items()
        if not one.url  # asked as providers are
    }
    until = time.monotonic() + WITHIN
    for look in looks.values():
        look.start()
    for name, look in looks.items():
        look.join(max(0.0, until - time.monotonic()))
        seen = found.get(name)
        yield judged(seen) if seen is not None else late(name)


def judged(seen: "Seen") -> Finding:
    """What was seen, in one line."""
    if seen.failure is not None:
        make = failed if seen.failure.code in LASTING else warn
        return make(seen.name, seen.failure.message, seen.failure.hint)
    has = f"{seen.free / 1e9:.1f} GB free, {counted(len(seen.models), 'model')}"
    text = f"AI-PAL {seen.version}, {seen.delay * 1000:.1f} ms away, {has}"
    if not seen.models:
        return warn(seen.name, text, f"fetch one: ai-pal pull MODEL --on {seen.name}")
    return ok(seen.name, text)


def late(name: str) -> Finding:
    """It has neither answered nor failed."""
    return warn(name, f"no answer within {WITHIN:g} s", f"look again: ai-pal machines check {name}")
