"""The table of loaded models that `ai-pal ps` and `ai-pal status` show. No I/O."""

from collections.abc import Sequence

from ai_pal.cli.terminal.table import table
from ai_pal.config.durations import format_duration
from ai_pal.protocol.client import WorkerStatus

HEAD = (
    "MODEL",
    "STATE",
    "PID",
    "MEMORY",
    "RESERVED",
    "WINDOW",
    "CAN",
    "ACTIVE",
    "QUEUED",
    "REQUESTS",
    "IDLE FOR",
    "UNLOADS IN",
)
SPARE, LAST = ("CAN", "RESERVED", "REQUESTS", "IDLE FOR", "QUEUED", "ACTIVE", "PID"), ("WINDOW",)
"""What a narrow terminal does without, in this order; the last only where heads could not be read else."""
NOTHING = "no model is loaded"
UNKNOWN = "-"


def worker_table(workers: Sequence[WorkerStatus], width: int | None = None) -> str:
    """One line a model; a model that failed has its reason below. `width` is that of the terminal."""
    if not workers:
        return NOTHING
    lines = [table(HEAD, [worker_cells(worker) for worker in workers], width=width, spare=SPARE, last=LAST)]
    reasons = [(worker.model, worker.reason) for worker in workers if worker.reason]
    if reasons:
        lines += ["", table(("MODEL", "REASON"), reasons)]
    return "\n".join(lines)


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.0f} MB" if size else UNKNOWN


def duration(seconds: float | None) -> str:
    """Seconds for people: whole ones, and none where nothing is known."""
    return UNKNOWN if seconds is None else format_duration(round(seconds) if seconds >= 1 else 0)


def worker_cells(worker: WorkerStatus) -> tuple[str, ...]:
    """What stands below `HEAD`."""
    return (
        worker.model,
        state_of(worker),
        str(worker.pid or UNKNOWN),
        megabytes(worker.memory),
        megabytes(worker.reserved),
        str(worker.context or UNKNOWN),
        " ".join(worker.abilities) or UNKNOWN,
        str(worker.active),
        str(worker.queued),
        str(worker.requests),
        duration(worker.idle_for),
        _unloads(worker),
    )


def state_of(worker: WorkerStatus) -> str:
    """How it stands, and how far it is with what takes its time."""
    if worker.calibrating is not None:
        return f"calibrating {worker.calibrating:.0%}"
    return f"{worker.state} {worker.progress:.0%}" if worker.state == "loading" else worker.state


def _unloads(worker: WorkerStatus) -> str:
    if worker.pinned:
        return "pinned"
    never = worker.keep_alive < 0 and worker.state in ("ready", "busy")
    return "never" if never else duration(worker.unloads_in)
