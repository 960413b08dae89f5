"""Whether the hub has a newer form of a model than this machine. Pure."""

from typing import Literal

import msgspec

from ai_pal.catalog.inventory.held import Held
from ai_pal.protocol.hub import HubRevision

Verdict = Literal["newer", "current", "not asked", "unknown"]


class Compared(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model here beside what the hub has. `download` in bytes, of what has changed; `why` says what is
    not plain from the verdict, and `to_do` what helps where the hub gave no answer."""

    name: str
    verdict: Verdict
    commit: str = ""
    newest: str = ""
    updated: str = ""
    download: int = 0
    why: str = ""
    to_do: str = ""
    code: str = ""
    older: str = ""


def compared(held: Held, there: HubRevision | None) -> Compared:
    """`there` is None for a model that the hub was not asked about."""
    if there is None:
        return Compared(held.name, "not asked", held.commit, why=held.why)
    if (failure := there.failure) is not None:
        return Compared(
            held.name, "unknown", held.commit, why=failure.message, to_do=failure.hint, code=failure.code
        )
    files = {file.name: file for file in there.files}
    gone = sorted(held.digests.keys() - files.keys())
    both = held.digests.keys() & files.keys()
    changed = [files[name] for name in both if files[name].digest != held.digests[name]]
    same = there.commit == held.commit
    verdict: Verdict = "newer" if not same and (gone or changed) else "current"
    why = "" if same or verdict == "newer" else "other files of its repository have changed"
    return Compared(
        held.name,
        verdict,
        held.commit,
        there.commit,
        there.updated,
        download=sum(file.size for file in changed) if verdict == "newer" else 0,
        why=f"{gone[0]} is no longer there under this name" if verdict == "newer" and gone else why,
        older=held.older if verdict == "newer" else "",
    )
