"""The near end of a link: an `ssh` that runs the relay there, and a socket here that leads to the supervisor
of that machine. One connection each; it blocks, and belongs into a thread where there is a loop."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from ai_pal.config.dotted import dotted
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.machines import ssh
from ai_pal.machines.frames import Frames, Garbled, Greeting, Kind, failure_in, greeting_in
from ai_pal.machines.pump import Pump
from ai_pal.protocol.client import PROTOCOL
from ai_pal.protocol.provider import Machine
from ai_pal.transport.lease import SILENCE

READY_SECONDS = 25.0
"""For the far end to find or start its supervisor; it shows signs of life meanwhile."""

ENDS_SECONDS = 1.0
"""For ssh to end by itself once it has closed its side, or written what no link does."""

WAIT_SECONDS = 2.0
"""For what is left of it to be seen after its end."""

TAIL = 16 * 1024
"""Bytes of its complaints that are kept."""


class Link:
    """A link to `machine`, called `name`. `identity` empty: whoever answers there is taken, to be pinned."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name, self._machine = name, machine
        self._folder = Path(tempfile.mkdtemp(prefix="ai-pal-link-", dir="/tmp"))  # its owner's
        self._path = self._folder / "front.sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ssh: subprocess.Popen[bytes] | None = None
        self._pump: Pump | None = None
        self._stderr = b""
        self._errors = threading.Thread(target=self._listen_to_errors, name="link errors", daemon=True)
        self._greeted, self._ready, self._over = threading.Event(), threading.Event(), threading.Event()
        self._failure: Failure | None = None
        self.greeting: Greeting | None = None
        self.took = 0.0
        """Seconds of the login."""

    @property
    def endpoint(self) -> str:
        """Where a client connects, once and soon after `open`."""
        return f"ipc://{self._path}"

    @property
    def failure(self) -> Failure:
        """Why it is over."""
        gone = Failure(Code.STREAM_BROKEN, f"the link to {self.name} has ended", "ask again", retryable=True)
        return self._failure or gone

    @property
    def over(self) -> bool:
        """Whether nothing goes through it any more."""
        return self._over.is_set()

    def open(self) -> Greeting:
        """Log in, and wait until the supervisor there takes a connection. Raises `AiPalError`, and is closed
        then."""
        try:
            greeting = self.greet()
            self._await(
                self._ready, READY_SECONDS, "its supervisor did not start", "look there: ai-pal doctor"
            )
        except BaseException:
            self.close()
            raise
        return greeting

    def greet(self) -> Greeting:
        """The login alone: who is there. Raises `AiPalError`."""
        begun = time.monotonic()
        self._start()
        more = f"a slow link gets more time: ai-pal config set {dotted('machines', self.name, 'login')} 30s"
        self._await(self._greeted, ssh.login_seconds(self._machine), "the login took too long", more)
        self.took = time.monotonic() - begun
        assert self.greeting is not None
        return self.greeting

    def give_up(self, failure: Failure) -> None:
        """End it for this reason, unless it has ended."""
        self._end(failure)

    def close(self) -> None:
        """End it: the far end follows at once."""
        self._end(None)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        known_hosts = self._folder / "known_hosts"
        known_hosts.write_text(ssh.pinned(self._machine.host_key))
        self._listener.bind(str(self._path))
        self._listener.listen(1)
        command = ssh.relaying(self._machine, known_hosts)
        pipe = subprocess.PIPE
        try:
            self._ssh = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        except OSError as error:
            why = "OpenSSH is not installed here" if isinstance(error, FileNotFoundError) else str(error)
            hint = "on Debian and Ubuntu: apt install openssh-client"
            raise AiPalError(Failure(Code.SPAWN_FAILED, f"ssh cannot be run: {why}", hint)) from None
        assert self._ssh.stdin is not None
        assert self._ssh.stdout is not None
        self._pump = Pump(
            self._ssh.stdout.fileno(),
            self._ssh.stdin.fileno(),
            Frames(),
            SILENCE,
            other=self._said,
            silent=lambda: self._end(ssh.cut(self.name, SILENCE)),
            ended=self._ended,
        )
        self._errors.start()
        self._pump.start()

    def _await(self, event: threading.Event, seconds: float, late: str, hint: str) -> None:
        if not event.wait(seconds):
            reason = f"{self.name} could not be reached: {late} ({seconds:g} s)"
            self._end(Failure(Code.CONNECT_TIMEOUT, reason, hint, retryable=True))
        if self._over.is_set():
            raise AiPalError(self.failure)

    def _said(self, kind: Kind, payload: bytes) -> None:
        """A frame that is neither data nor a beat."""
        if kind is Kind.HELLO and self.greeting is None:
            self.greeting = greeting_in(payload)
            refusal = self._objection(self.greeting)
            if refusal is not None:
                self._end(refusal)
                return
            assert self._pump is not None
            self._pump.watch()
            self._greeted.set()
        elif kind is Kind.READY and self.greeting is not None:
            threading.Thread(target=self._accept, name="link accept", daemon=True).start()
            self._ready.set()
        elif kind is Kind.FAILED:
            told = failure_in(payload)
            reason = f"{self.name}: {told.message}"
            self._end(Failure(Code.PROVIDER_UNREACHABLE, reason, told.hint, retryable=True))
        else:
            raise Garbled

    def _objection(self, greeting: Greeting) -> Failure | None:
        if self._machine.identity and greeting.identity != self._machine.identity:
            return ssh.changed(self.name, "another AI-PAL answers there")
        same = greeting.protocol == PROTOCOL
        return None if same else ssh.older(self.name, greeting.version)

    def _accept(self) -> None:
        try:
            connected, _ = self._listener.accept()
        except OSError:  # closed before anybody came
            return
        assert self._pump is not None
        self._pump.join(connected)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen_to_errors(self) -> None:
        assert self._ssh is not None
        assert self._ssh.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while data := self._ssh.stderr.read(4096):
                self._stderr = (self._stderr + data)[-TAIL:]

    def _ended(self) -> None:
        """It has closed its side, or what came through is no link."""
        assert self._ssh is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._ssh.wait(ENDS_SECONDS)
        code = self._ssh.poll()
        if code is None:  # it runs on, and would keep its complaints open
            self._ssh.kill()
        self._errors.join(WAIT_SECONDS)  # its last complaint is read
        said = self._stderr.decode(errors="replace")
        reason = ssh.complaint(self.name, self._machine, code, said)
        if self._ready.is_set() and reason.code == Code.PROVIDER_UNREACHABLE:
            reason = Failure(Code.STREAM_BROKEN, f"the link to {self.name} has ended", reason.hint, True)
        self._end(reason)

    def _end(self, failure: Failure | None) -> None:
        if self._over.is_set():
            return
        self._failure = failure
        self._over.set()
        if self._pump is not None:
            self._pump.stop()
        if self._ssh is not None:
            self._ssh.kill()
            threading.Thread(target=self._reap, name="link reaper", daemon=True).start()
        self._greeted.set()
        self._ready.set()

    def _reap(self) -> None:
        """Nothing of it is left behind, and no descriptor is closed that a thread reads."""
        assert self._ssh is not None
        assert self._pump is not None
        self._ssh.wait()
        self._pump.wait(WAIT_SECONDS)
        self._errors.join(WAIT_SECONDS)
        for pipe in (self._ssh.stdin, self._ssh.stdout, self._ssh.stderr):
            if pipe is not None:
                pipe.close()
