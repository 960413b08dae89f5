"""One client in a throw-away home and folder, with a deadline, and what came of it."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from scripts.client_runs import installing
from scripts.client_runs.clients import AFTER, BEFORE, FILE, Client, Place, Row
from scripts.client_runs.gateway import PROVIDER, Gateway, told
from scripts.client_runs.plans import Plan

SHOWN = 300
"""Characters of what a client said last."""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody is: what would go out fails at once."""


def run(name: str, client: Client, plans: dict[str, Plan], gateway: Gateway, keep: Path | None) -> Row:
    """Its row. Its plan is put among `plans` first. With `keep`, what it said is written there."""
    with tempfile.TemporaryDirectory(prefix="client-home-", dir="/tmp") as folder:
        home, work = Path(folder, "home"), Path(folder, "work")
        place = Place(installing.folder(client.bundle), home, work, gateway.url, f"{PROVIDER}:{name}")
        place.work.mkdir()
        plans[name] = client.plan(place)
        (place.work / FILE).write_text(BEFORE)
        for path, text in {".keep": "", **client.files(place)}.items():
            file = place.home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        mark, begun = gateway.mark(), time.monotonic()
        code, output = _ran(client, place)
        seconds = time.monotonic() - begun
        if keep is not None:
            (keep / f"{name}.txt").write_text(output)
        asked = gateway.since(mark)
        return Row(name, client.version, told(asked), seconds, _why(client, place, code, output))


def _ran(client: Client, place: Place) -> tuple[int | None, str]:
    """Its exit code, None where its time was over, and what it said. It leads a process group, which ends."""
    process = subprocess.Popen(
        client.command(place),
        cwd=place.work,
        env=_environ(place) | dict(client.environ(place)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=client.seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]


def _environ(place: Place) -> dict[str, str]:
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place.home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "DO_NOT_TRACK": "1",
        "DISABLE_TELEMETRY": "1",
        **dict.fromkeys(proxies, NOWHERE),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _why(client: Client, place: Place, code: int | None, output: str) -> str:
    """Why it did not do what it was to do, empty where it did."""
    last = " ".join(output.split())[-SHOWN:]
    if code is None:
        return f"had not ended after {client.seconds:.0f} s: {last}"
    if code:
        return f"ended with {code}: {last}"
    if client.edits and (place.work / FILE).read_text() != AFTER:
        return f"the file is not as it was to be: {last}"
    return ""
