"""The server that an agent is to ask: the one that runs, or one that lives as long as the agent."""

import contextlib
import http
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ai_pal.cli.running import if_running
from ai_pal.config import paths
from ai_pal.config.listening import Address, listens_at
from ai_pal.errors import AiPalError, Code, fail

if TYPE_CHECKING:
    from ai_pal.config import Settings

START_SECONDS = 120.0
"""For a supervisor and a server to start, on a machine that is busy."""

PLACE = ("--host", "127.0.0.1", "--port", "0", "--workers", "1")
"""Of a server that is for one agent: a free port, whatever the settings say of others."""

END_SECONDS = 10.0
LOOK_SECONDS = 0.1
USUAL = "http://127.0.0.1:11435"
KEY_VARIABLE = "AI_PAL_CLIENT_KEY"
"""Holds the key that an agent is given, for a server that wants one."""

PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def running_server(pid: int = 0) -> str:
    """Where this user's supervisor is asked over HTTP, by the server of this pid if one is named; empty
    where it is not."""
    with if_running() as client:
        found = client.status().gateways if client else []
    return chosen(one.address for one in found if pid in (0, one.pid))


def chosen(addresses: Iterable[str]) -> str:
    """Of these the one to ask, as this machine reaches it: without TLS, whose certificate an agent may not
    take, if there is one; empty where none is an URL."""
    urls = sorted(one for one in addresses if one.startswith("http"))  # http: comes before https:
    url = urls[0] if urls else ""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def usual_address(settings: "Settings") -> str:
    """Where a server would be by the settings."""
    place = listens_at(settings.http.listen)
    if not isinstance(place, Address) or place.port == 0:
        return USUAL
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"http://{host}:{place.port}"


def check_key(url: str, key: str) -> None:
    """Raises `AiPalError` (`auth_failed`) where this server takes no such key. One that does not answer, or
    speaks TLS, is left to the agent."""
    where = urlsplit(url)
    if where.scheme != "http":
        return
    asking = http.client.HTTPConnection(where.hostname or "", where.port, timeout=END_SECONDS)
    try:
        # Of any path, a server that wants a key says so first.
        asking.request("HEAD", "/v1/models/none", headers={"Authorization": f"Bearer {key}"})
        status = asking.getresponse().status
    except (OSError, http.client.HTTPException):
        return
    finally:
        asking.close()
    if status == http.HTTPStatus.UNAUTHORIZED:
        fail(
            Code.AUTH_FAILED,
            f"{url} wants a key",
            f"put one into {KEY_VARIABLE}, as: ai-pal keys create NAME",
        )


@contextlib.contextmanager
def own_server() -> Iterator[str]:
    """A server on a free port of this machine; it ends with the block, or with this process. Raises
    `AiPalError`: it did not start, and what it said."""
    log = paths.make_private(paths.log_dir()) / "launch.log"
    under = ["--endpoint", "", "--worker", "launch", "--parent", str(os.getpid())]
    with log.open("wb") as errors:
        os.fchmod(errors.fileno(), 0o600)
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "ai_pal.cli.service.serve_under", *under, *PLACE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            process_group=0,  # Ctrl-C is the agent's
        )
    try:
        yield _address_of(server, log)
    finally:
        server.terminate()
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(END_SECONDS)


def _address_of(server: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline, url = time.monotonic() + START_SECONDS, ""
    while not url and server.poll() is None and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        with contextlib.suppress(AiPalError):
            url = running_server(server.pid)
    if not url:
        said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())
        message = f"the server did not start: {said[:400] or 'it did not answer in time'}"
        fail(Code.SUPERVISOR_UNREACHABLE, message, "run `ai-pal serve` to see why")
    return url


def run_to_its_end(command: list[str], environ: Mapping[str, str]) -> int:
    """Run it in this terminal; its exit code, 128 and the signal where one ended it."""
    child = subprocess.Popen(command, env=dict(environ))

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
