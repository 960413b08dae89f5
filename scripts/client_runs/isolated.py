"""Without a network but loopback: this program again, in a network namespace of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

INSIDE = "AI_PAL_TEST_CLIENTS_INSIDE"
_UP = 'ip link set lo up && exec "$@"'


def is_inside() -> bool:
    return bool(os.environ.get(INSIDE))


def again(arguments: Sequence[str]) -> int:
    """The exit code of this program, run inside. Where no namespace can be had, that is said; then only
    proxies that are not there keep clients from going out."""
    here = [sys.executable, "-m", "scripts.client_runs", *arguments]
    alone = ["unshare", "--map-current-user", "--keep-caps", "--net", "sh", "-c", _UP, "sh"]
    if not _works([*alone, "true"]):
        print("clients: no network namespace here: clients could go out", file=sys.stderr)
        alone = []
    return subprocess.run([*alone, *here], env={**os.environ, INSIDE: "1"}, check=False).returncode


def _works(command: list[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
