"""Other machines of the user's: whether each is there, and what it has. All are looked at at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ai_pal.cli.setup.doctor.finding import Finding, failed, ok, warn
from ai_pal.cli.setup.doctor.providers import SETTLED
from ai_pal.config import Settings
from ai_pal.counted import counted
from ai_pal.errors import Code

if TYPE_CHECKING:
    from ai_pal.machines.seen import Seen

WITHIN = 15.0
"""Seconds for all of them together. What is silent is told by its own limits long before; this is for an
AI-PAL there that has to be started first."""

LASTING = (Code.MACHINE_CHANGED, Code.ACCESS_DENIED, Code.PROTOCOL_MISMATCH)
"""They do not pass by themselves."""


def check_machines(settings: Settings) -> Iterator[Finding]:
    """Look at each, unless nothing may leave this machine."""
    from ai_pal.config.machine_settings import address
    from ai_pal.machines.seen import see_at_once

    if settings.private():
        for name, one in settings.machines.items():
            if not one.url:
                yield ok(name, SETTLED[Code.LOCAL_ONLY])
        return
    asked = {name: address(one) for name, one in settings.machines.items() if not one.url}  # as providers
    for name, seen in see_at_once(asked, WITHIN):
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
