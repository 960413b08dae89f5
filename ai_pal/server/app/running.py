"""Runs a supervisor until something stops it: a signal, a request, idleness or its owner's death."""

import contextlib
import gc
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable

import anyio

from ai_pal import __version__
from ai_pal.config.current import CurrentSettings
from ai_pal.logs import get_logger
from ai_pal.server.app.daemon import Daemon, Hosting
from ai_pal.server.app.sweeping import keep_run_directory
from ai_pal.transport.run_directory import RunDirectory

log = get_logger("ai_pal")


def run(
    current: CurrentSettings, hosting: Hosting, held: RunDirectory, on_ready: Callable[[str], None]
) -> None:
    """Run a supervisor until it is stopped by signal, request, idleness or its owner's death; lets go of
    the run directory then. `on_ready` gets the endpoint once clients can connect. Raises `AiPalError`."""
    os.umask(0o077)  # sockets, locks and logs are their owner's
    _allow_many_descriptors()
    with held:
        anyio.run(_serve, current, hosting, held, on_ready, backend="asyncio")


async def _serve(
    current: CurrentSettings, hosting: Hosting, run_directory: RunDirectory, on_ready: Callable[[str], None]
) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:  # before there is anything
        daemon = Daemon(current, hosting, run_directory)
        await _run(daemon, current.settings.idle_exit, hosting, run_directory, on_ready, signals)


async def _run(
    daemon: Daemon,
    idle_exit: float,
    hosting: Hosting,
    run_directory: RunDirectory,
    on_ready: Callable[[str], None],
    signals: AsyncIterator[signal.Signals],
) -> None:
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_on_signal, daemon, signals)
            tasks.start_soon(keep_run_directory, run_directory, daemon.listen_again, daemon.stop)
            if hosting.auto_started and idle_exit >= 0:
                tasks.start_soon(_stop_when_idle, daemon, idle_exit)
            log.info("supervisor_ready", pid=os.getpid(), endpoint=run_directory.front, version=__version__)
            gc.freeze()  # what is imported stays: looking through it held the loop for 16 ms now and then
            on_ready(run_directory.front)
            daemon.start_children()
            if not hosting.owner:
                daemon.preload()
            await daemon.stopped.wait()
            tasks.cancel_scope.cancel()
    finally:
        await daemon.close()
        log.info("supervisor_stopped", pid=os.getpid())


async def _stop_on_signal(daemon: Daemon, signals: AsyncIterator[signal.Signals]) -> None:
    """SIGTERM and SIGINT stop; a second one interrupts running answers at once."""
    async for number in signals:
        log.info("stop_signal", signal=signal.Signals(number).name)
        if daemon.stopping:
            daemon.stop_now()
        else:
            daemon.stop()


async def _stop_when_idle(daemon: Daemon, limit: float) -> None:
    """An auto-started supervisor ends after `limit` seconds without client and model."""
    idle_since = anyio.current_time()
    while True:
        await anyio.sleep(min(5.0, max(0.05, limit / 10)))
        if not daemon.idle:
            idle_since = anyio.current_time()
        elif anyio.current_time() - idle_since >= limit:
            log.info("idle_exit", idle_for=round(anyio.current_time() - idle_since))
            daemon.stop()
            return


def _allow_many_descriptors() -> None:
    """Use all that the system grants: libzmq aborts when a client connects and none is left."""
    granted = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems name more than they give
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, granted))
