"""Commands that are run on another machine before AI-PAL is known to be there: its key, what it has, and how
AI-PAL comes onto it. Each has a deadline."""

import base64
import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.machines import ssh
from ai_pal.protocol.provider import Machine

LOOK_SECONDS = 20.0
INSTALL_SECONDS = 900.0
"""For pip there to fetch all that AI-PAL needs."""

APP = "$HOME/.ai-pal/app"
"""Where AI-PAL is put on a machine that has none."""

_LOOK = f"""
for c in ai-pal "$HOME/.local/bin/ai-pal" "{APP}/bin/ai-pal"; do
  if v=$("$c" --version 2>/dev/null); then echo "found $c"; break; fi
done
for p in python3 python3.14 python3.13 python3.12 python3.11; do
  if "$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
  then echo "python $p"; break; fi
done
"""


class Ended(NamedTuple):
    """How a command went."""

    code: int | None
    out: str
    err: str


class Has(NamedTuple):
    """What a machine has: how AI-PAL is started there, and a Python that could run it; empty for none."""

    command: str
    python: str


def fingerprint(host_key: str) -> str:
    """A public key as `ssh-keygen -l` names it: `SHA256:...` (RFC 4648 without padding)."""
    blob = base64.b64decode(host_key.split()[1])
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def host_key(name: str, machine: Machine) -> str:
    """The public key of its host, as it is offered. Nothing is sent, and nobody logs in. Raises
    `AiPalError`."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-") as folder:
        file = Path(folder) / "known_hosts"
        ended = _run(ssh.recording(machine, file))
        key = ssh.recorded(file.read_text()) if file.exists() else ""
    if not key:
        raise AiPalError(ssh.complaint(name, machine, ended.code, ended.err))
    return key


def known_to_user(machine: Machine) -> str:
    """What the user's own `known_hosts` say of its key: `known`, `unknown` or `changed`."""
    return ssh.knows(_run(ssh.trusting_user(machine)).err) or "unknown"


def looked(name: str, machine: Machine) -> Has:
    """Log in and look. Raises `AiPalError`: why that is not possible."""
    ended = run(name, machine, f"sh -c {_quoted(_LOOK)}", LOOK_SECONDS)
    words = dict(line.split(" ", 1) for line in ended.out.splitlines() if " " in line)
    return Has(words.get("found", ""), words.get("python", ""))


def installed(name: str, machine: Machine, python: str, wheel: bytes) -> str:
    """Put AI-PAL onto the machine, in a folder of its own; how it is started there. Raises `AiPalError`."""
    from ai_pal import __version__

    file = f"ai_pal-{__version__}-py3-none-any.whl"
    script = f"""set -e
mkdir -p "{APP}"
cat > "{APP}/{file}"
"{python}" -m venv "{APP}"
"{APP}/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall "{APP}/{file}"
rm "{APP}/{file}"
echo "at {APP}/bin/ai-pal"
"""
    ended = run(name, machine, f"sh -c {_quoted(script)}", INSTALL_SECONDS, wheel)
    found = [line.removeprefix("at ") for line in ended.out.splitlines() if line.startswith("at ")]
    if found:
        return found[-1]
    said = (ended.err.strip().splitlines() or ["it said nothing"])[-1]
    return fail(Code.SPAWN_FAILED, f"AI-PAL could not be installed on {name}: {said[:200]}", "see there")


def run(name: str, machine: Machine, remote: str, seconds: float, given: bytes = b"") -> Ended:
    """Run a command there, past the pinned key. Raises `AiPalError` where ssh itself fails."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-") as folder:
        file = Path(folder) / "known_hosts"
        file.write_text(ssh.pinned(machine.host_key))
        ended = _run(ssh.with_pin(machine, file, remote), seconds, given)
    if ended.code in (None, ssh.FAILED):
        raise AiPalError(ssh.complaint(name, machine, ended.code, ended.err))
    return ended


def _run(command: Sequence[str], seconds: float = LOOK_SECONDS, given: bytes = b"") -> Ended:
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Ended(None, "", f"no end within {seconds:g} s")
    except FileNotFoundError:
        hint = "on Debian and Ubuntu: apt install openssh-client"
        fail(Code.SPAWN_FAILED, "ssh cannot be run: OpenSSH is not installed here", hint)
    return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def _quoted(script: str) -> str:
    import shlex

    return shlex.quote(script)
