"""`ai-pal serve --workers N`: N processes that share one port, each started again when it dies."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from ai_pal.config.listening import Address
from ai_pal.errors import Code, fail
from ai_pal.logs import get_logger
from ai_pal.restarts import Restarts
from ai_pal.transport.pulse import Pulse, Watch

MODULE = "ai_pal.cli.service.serve_under"
METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""Where they count together, for prometheus_client."""

END_SECONDS = 10.0
"""Of one that was told to end: its open answers have less."""

log = get_logger("ai_pal.gateway")


def require_shared(place: Address | Path, count: int) -> None:
    """Raises `AiPalError` (`bad_request`): so many processes cannot share this place, and why."""
    if count == 1:
        return
    if isinstance(place, Path):
        message, hint = "a Unix socket has one process", "leave workers at 1, or listen at an address"
        fail(Code.BAD_REQUEST, message, hint)
    if not hasattr(socket, "SO_REUSEPORT"):
        message = "this system lets no two processes share a port (SO_REUSEPORT)"
        fail(Code.BAD_REQUEST, message, "leave workers at 1")


def flags_of(place: Address | Path, count: int) -> tuple[str, ...]:
    """What `ai-pal serve` is told to be one of `count` there."""
    if isinstance(place, Path):
        return ("--socket", str(place))
    shared = ("--shared", str(count)) if count > 1 else ("--workers", "1")
    return ("--host", place.host, "--port", str(place.port), *shared)


def serve_many(place: Address, count: int, silent: float) -> None:
    """Keep `count` processes until SIGINT or SIGTERM, each as long as its loop is not `silent` for so many
    seconds; what the first says of its address is said here."""
    with tempfile.TemporaryDirectory(prefix="ai-pal-http-") as metrics:
        asyncio.run(_keep_all(place, count, {**os.environ, METRICS: metrics}, silent))


async def _keep_all(place: Address, count: int, environ: dict[str, str], silent: float) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    flags = flags_of(place, count)
    async with asyncio.TaskGroup() as tasks:
        for n in range(count):
            tasks.create_task(_keep(_command(n + 1, flags), environ, stopping, silent, says=n == 0))


def _command(number: int, flags: Sequence[str]) -> list[str]:
    under = ["--endpoint", "", "--worker", f"gateway.{number}", "--parent", str(os.getpid())]
    return [sys.executable, "-P", "-m", MODULE, *under, *flags]


async def _keep(
    command: list[str], environ: dict[str, str], stopping: asyncio.Event, silent: float, *, says: bool
) -> None:
    loop, restarts = asyncio.get_running_loop(), Restarts()
    while not stopping.is_set():
        began, pulse = loop.time(), Pulse()
        child = await asyncio.create_subprocess_exec(
            *command,
            *("--pulse", str(pulse.child)),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=None if says else subprocess.DEVNULL,
            process_group=0,  # Ctrl-C comes to us, and goes on from here
            pass_fds=(pulse.child,),
        )
        says = False
        pulse.given()
        await _first(child.wait(), stopping.wait(), _hang(child, pulse, silent))
        pulse.close()
        if stopping.is_set():
            await _end(child)
            return
        wait = restarts.wait(loop.time() - began)
        log.warning("gateway_exited", pid=child.pid, code=child.returncode, again_in=wait)
        await _first(asyncio.sleep(wait), stopping.wait())


async def _hang(child: asyncio.subprocess.Process, pulse: Pulse, silent: float) -> None:
    """End it when it hangs. While this process stands still as well, no time goes by."""
    went, watch = 0.0, Watch(0.0, silent)
    while not watch.hangs(went, felt=pulse.felt()):
        await asyncio.sleep(watch.every)
        went += watch.every
    log.warning("gateway_hung", pid=child.pid)
    child.kill()
    await child.wait()


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Until one of them is over; the others are given up."""
    tasks = [asyncio.create_task(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
