"""Where a supervisor in the foreground logs: what supervisord, systemd or the shell made of its stderr."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A file that can be read, or what to do instead, for people."""

    file: Path | None
    about: str


def log_place(pid: int) -> Place:
    """Where process `pid` of this user logs."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/2")
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return Place(None, "to its own stderr")
    pairs = (entry.partition("=") for entry in os.fsdecode(raw).split("\0"))
    return placed(target, {name: value for name, _, value in pairs}, _logs_of_parent(pid))


def placed(target: str, environ: Mapping[str, str], of_parent: Sequence[str]) -> Place:
    """By where stderr leads, the environment of the process, and the logs of who started it. Pure."""
    device = target.startswith("/dev/") and not target.startswith("/dev/shm/")  # noqa: S108 (files lie there)
    if target.startswith("/") and not device:
        return Place(Path(target), f"to {target}")
    if environ.get("SUPERVISOR_ENABLED"):
        own = [log for log in of_parent if os.path.basename(log) != "supervisord.log"]
        if len(own) == 1:
            return Place(Path(own[0]), f"through supervisord to {own[0]}")
        name = environ.get("SUPERVISOR_PROCESS_NAME", "ai-pal")
        return Place(None, f"through supervisord: supervisorctl tail -f {name}")
    if environ.get("JOURNAL_STREAM"):
        return Place(None, "to the journal: journalctl --user -f, or journalctl -f for a unit of the system")
    if target == "/dev/null":
        return Place(None, "nowhere: its stderr is /dev/null")
    if device:
        return Place(None, f"to its terminal, {target}")
    return Place(None, "to whatever started it: its stderr is a pipe")


def _logs_of_parent(pid: int) -> list[str]:
    """The files with `.log` in their name that the parent process has open."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        folder = Path("/proc") / stat.rpartition(")")[2].split()[1] / "fd"
        targets = {os.readlink(descriptor) for descriptor in folder.iterdir()}
    except (OSError, IndexError):
        return []
    return sorted(one for one in targets if one.startswith("/") and ".log" in os.path.basename(one))
