"""What it means when pip has brought nothing, in pip's own words. Pure."""

import sys
from collections.abc import Mapping

from ai_pal.errors import FREE_SPACE, Code, Failure
from ai_pal.sources.pip_network import trouble

HINT = "check the network and pip's index (pip config list), then try again"
_TAIL_LINES = 6


def meaning(requirement: str, code: int, stderr: str, environ: Mapping[str, str]) -> Failure:
    """Why pip ended with `code` (below 0: a signal) after these words on stderr."""
    if "No module named pip" in stderr:
        mend = f"run: {sys.executable} -m ensurepip --upgrade"
        return Failure(Code.PIP_MISSING, f"{sys.executable} has no pip", mend)
    words = tail(stderr)
    if "No space left on device" in stderr or "Disk quota exceeded" in stderr:
        message = f"the disk became full while downloading {requirement}"
        return Failure(Code.DISK_FULL, message, FREE_SPACE, detail=words)
    found = trouble(stderr, environ)
    if found is not None:
        message = f"pip could not download {requirement}: {found.reason}"
        return Failure(Code.DOWNLOAD_FAILED, message, found.hint or HINT, retryable=True, detail=words)
    last = words.rpartition("\n")[2].removeprefix("ERROR: ") or _silent(code)
    message = f"pip could not download {requirement}: {last}"
    return Failure(Code.DOWNLOAD_FAILED, message, HINT, retryable=True, detail=words)


def tail(stderr: str) -> str:
    """The last of what pip has said; its warnings before the error often name the cause."""
    return "\n".join(line for line in map(str.strip, stderr.splitlines()[-2 * _TAIL_LINES :]) if line)


def _silent(code: int) -> str:
    how = f"signal {-code} ended it" if code < 0 else f"it ended with code {code}"
    return f"{how}, and it said nothing"
