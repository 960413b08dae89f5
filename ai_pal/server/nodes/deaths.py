"""Why a process that nobody asked to stop has ended, by the signal that ended it. Pure."""

import signal
from typing import NamedTuple


class Death(NamedTuple):
    """What happened, to go on behind who it was, and what to do."""

    what: str
    hint: str


_LOGS = "see `ai-pal logs`"

_KNOWN = {
    "SIGBUS": Death(
        "could not read on (SIGBUS): the model's file was cut off or changed under it, or the disk failed",
        "put the file back whole (ai-pal pull, or copy it again), and never write into one that is in use; "
        "else look at the disk: dmesg",
    ),
    "SIGKILL": Death(
        "was killed (SIGKILL), perhaps because the machine ran out of memory",
        "free memory, choose a smaller model, or lower `context`",
    ),
    "SIGSEGV": Death(
        "crashed (SIGSEGV): a fault of the engine, or of a file that it was given",
        f"ask again; if it comes back, fetch the model again, or update. {_LOGS}",
    ),
    "SIGABRT": Death("gave up (SIGABRT): its engine found itself in a state that cannot be", _LOGS),
    "SIGILL": Death(
        "used an instruction that this processor does not have (SIGILL)",
        f"install a build of the engine for this processor. {_LOGS}",
    ),
    "SIGFPE": Death(
        "crashed in a calculation (SIGFPE): a fault of the engine, or of the model's file", _LOGS
    ),
    "SIGTERM": Death("was ended by somebody else (SIGTERM)", "ask again"),
    "SIGINT": Death("was ended by somebody else (SIGINT)", "ask again"),
    "SIGHUP": Death("was ended by somebody else (SIGHUP)", "ask again"),
}


def name_of(number: int) -> str:
    """As people know it: SIGBUS."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def death(number: int) -> Death:
    """What this signal says of a worker."""
    name = name_of(number)
    return _KNOWN.get(name, Death(f"was ended by {name}", _LOGS))
