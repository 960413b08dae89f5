"""Finding the supervisor of this user, or starting one in the background."""

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from ai_pal import __version__
from ai_pal.client.keywords import strict
from ai_pal.client.standing import Standing, standing
from ai_pal.client.sync_client import Client
from ai_pal.client.usual import usual
from ai_pal.config import Settings, paths
from ai_pal.config.fingerprint import own_fingerprint
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.report import Report
from ai_pal.transport.run_files import front_endpoint, holder

if TYPE_CHECKING:
    from subprocess import Popen

START_TIMEOUT = 60.0
"""Seconds that a supervisor has to be ready: one that dies is noticed at once, and a machine may be busy."""
REPLACE_TIMEOUT = 10.0

_children: list["Popen[bytes]"] = []
"""The supervisors that this process has started: who forgets a running child never reaps it."""


def endpoint() -> str:
    """Where this user's supervisor listens, running or not."""
    return front_endpoint(paths.run_dir())


@strict
def connect(
    settings: Settings,
    *,
    start: bool = True,
    notify: Callable[[str], None] = lambda text: None,
    read_at: float | None = None,
) -> Client:
    """A client of the running supervisor; with `start` one is started where none runs.

    `notify` gets what the user should know. The client's own settings go with its requests (`usual`); what
    belongs to the supervisor is compared, and an idle one that was started in the background and may be
    replaced (`standing`) is. `read_at` is when this process read its settings by `time.monotonic`, now by
    default. Raises `AiPalError`: `supervisor_unreachable`, or what kept the new supervisor from starting."""
    client = _connected(start, notify, 0.0 if read_at is None else time.monotonic() - read_at)
    client.usual = usual(settings)
    return client


def _connected(start: bool, notify: Callable[[str], None], age: float) -> Client:
    try:
        client = Client(endpoint())
    except AiPalError as error:
        if start and error.code == Code.PROTOCOL_MISMATCH:
            return _replace_older(notify)
        if not start or error.code != Code.SUPERVISOR_UNREACHABLE:
            raise
        return start_supervisor()
    if start:
        found = standing(client.welcome, __version__, own_fingerprint(), age)
        if found.replace:
            return _replace(client, found, notify)
        if found.remark:
            notify(found.remark)
    return client


def start_supervisor() -> Client:
    """Start a background supervisor that ends by itself when idle; of several starts one wins. One that is
    ending and still has the lock is waited for."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        report = _spawn_auto()
        if report.failure is not None and report.failure.code != Code.SUPERVISOR_RUNNING:
            raise AiPalError(report.failure)
        client = _connect_soon(report.endpoint or endpoint(), deadline)
        if client is not None:
            return client


def _spawn_auto() -> Report:
    log_dir = paths.make_private(paths.log_dir())
    with (log_dir / "supervisor.stderr").open("wb") as stderr:
        os.fchmod(stderr.fileno(), 0o600)
        return _spawn(["--auto"], stderr.fileno())


@strict
@contextlib.contextmanager
def hosted(environ: Mapping[str, str] | None = None) -> Iterator[Client]:
    """A supervisor for this process only, in a run directory of its own; it ends with the process.
    `environ` goes over this process's environment: settings of its own, say."""
    import tempfile  # here and below: a chat with a running supervisor needs neither

    with tempfile.TemporaryDirectory(prefix="ai-pal-") as folder:
        report = _spawn(["--owner", str(os.getpid()), "--run-dir", folder], None, environ)
        if report.failure is not None:
            raise AiPalError(report.failure)
        client = Client(report.endpoint)
        try:
            yield client
        finally:
            with contextlib.suppress(AiPalError):
                client.stop()
                client.wait_gone(REPLACE_TIMEOUT)
            client.close()


def _spawn(args: list[str], stderr: int | None, environ: Mapping[str, str] | None = None) -> Report:
    """Run `ai-pal supervise` detached from this terminal and wait for its report."""
    import subprocess

    read, write = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "ai_pal", "supervise", *args, "--report-fd", str(write)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if stderr is None else stderr,
            cwd="/",
            env={**os.environ, **paths.settled(), **(environ or {})},
            pass_fds=[write],
            start_new_session=True,
        )
        _remember(child)
    finally:
        os.close(write)
    with os.fdopen(read, "rb", 0) as pipe:
        return _read_report(pipe.fileno())


def _remember(child: "Popen[bytes]") -> None:
    """Keep this child, and reap those that have ended; one step at a time, for other threads do it too."""
    _children.append(child)
    for ended in [earlier for earlier in list(_children) if earlier.poll() is not None]:
        with contextlib.suppress(ValueError):
            _children.remove(ended)


def _read_report(pipe: int) -> Report:
    deadline, data = time.monotonic() + START_TIMEOUT, b""
    while (left := deadline - time.monotonic()) > 0 and not data.endswith(b"\n"):
        if not select.select([pipe], [], [], left)[0]:
            break
        chunk = os.read(pipe, 65536)
        if not chunk:
            break
        data += chunk
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(data, type=Report)
    return Report(
        failure=Failure(
            Code.SUPERVISOR_UNREACHABLE,
            "the background supervisor did not start",
            f"run `ai-pal supervise` to see why, or look at {paths.log_dir()}",
        )
    )


def _replace(client: Client, found: Standing, notify: Callable[[str], None]) -> Client:
    try:
        client.stop(only_if_idle=True)
    except AiPalError as error:
        if error.code == Code.MODEL_BUSY:
            notify(found.remark)
            return client
        # Otherwise it is ending already.
    client.wait_gone(REPLACE_TIMEOUT)
    client.close()
    new = start_supervisor()
    notify(found.replaced)
    return new


def _replace_older(notify: Callable[[str], None]) -> Client:
    """In the place of one that speaks an older protocol. Raises `AiPalError`: it stays, and why."""
    from ai_pal.client import older

    left = older.stop(endpoint(), only_background=True, only_if_idle=True, gone_within=REPLACE_TIMEOUT)
    new = start_supervisor()
    notify(f"restarted the supervisor: the old one is version {left.version} and speaks an older protocol")
    return new


def _connect_soon(where: str, deadline: float) -> Client | None:
    """Connect to a supervisor that somebody else is starting just now; None when it has ended instead."""
    while True:
        try:
            return Client(where)
        except AiPalError:
            if time.monotonic() > deadline:
                raise
            if holder(paths.run_dir()) is None:
                return None
            time.sleep(0.02)
