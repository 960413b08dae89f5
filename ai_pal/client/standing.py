"""Whether a client uses the supervisor that runs, replaces it, or says that its settings differ. Pure.

Who may replace whom: never one in the foreground, never a newer version, and never one that was started after
this client had read its settings. So two clients do not take each other's supervisor away in turns, and one
that has been open for days stops nobody's new one.
"""

import re
from typing import NamedTuple

from ai_pal.config.fingerprint import Fingerprint, differences, in_words
from ai_pal.protocol.client import FINGERPRINT, Welcome


class Standing(NamedTuple):
    """What `differs` (empty: nothing), whether it is to be replaced for that, and what the user is told:
    `remark` when it is used as it is, `replaced` when another has taken its place."""

    differs: str = ""
    replace: bool = False
    remark: str = ""
    replaced: str = ""


def standing(met: Welcome, version: str, mine: Fingerprint, age: float = 0.0) -> Standing:
    """How the supervisor that said `met` stands to a client of this version, which would start one with the
    fingerprint `mine` and read its settings `age` seconds ago."""
    older = FINGERPRINT not in met.features or _order(met.version) < _order(version)
    newer = not older and _order(met.version) > _order(version)
    names = [] if older or newer else differences(met.fingerprint, mine)
    if not (older or newer or names):
        return Standing()
    differs = (
        f"has other settings ({in_words(names)})" if names else f"is version {met.version}, not {version}"
    )
    if older and met.version == version:
        differs = f"is an earlier build of version {version}"
    who = f"the supervisor (pid {met.pid})"
    if not met.auto_started:
        return Standing(differs, remark=f"{who} in the foreground {differs}: restart it")
    if newer or 0 <= met.uptime < age:
        return Standing(differs, remark=f"{who} is newer than this and {differs}: using it as it is")
    why = f"{in_words(names)} changed" if names else f"the old one {differs}"
    busy = f"{who} {differs} and is busy: using it as it is"
    return Standing(differs, True, remark=busy, replaced=f"restarted the supervisor: {why}")


def _order(version: str) -> tuple[int, ...]:
    """Versions in their order: what comes before a release counts as that release."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
