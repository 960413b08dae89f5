"""Another machine of the user's for a proof: what can befall it, and what it computes meanwhile."""

import threading
import time
from contextlib import suppress

import psutil

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.machines.identity import own_identity
from ai_pal.transport.run_files import holder
from tests.process.homes import client_endpoint
from tests.process.supervised import gone, words_of, workers_in
from tests.servers.sshd import SecondMachine

LOOK = 0.05
CONFIG = """
[local]
model = "echo"
[machines.box]
ssh = "{target}"
port = {port}
host_key = "{host_key}"
identity = "{identity}"
command = "{command}"
model = "echo"
"""


class Box(SecondMachine):
    """The other machine. What AI-PAL is there can be exchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.identity = own_identity(self.home / "identity")
        self.program = self.folder / "ai-pal"
        self._asleep: list[psutil.Process] = []
        self.install()

    @property
    def config(self) -> str:
        """What this machine's settings say of it."""
        return CONFIG.format(
            target=self.target, port=self.port, host_key=self.host_key,
            identity=self.identity, command=self.program,
        )  # fmt: skip

    def install(self, version: str = "") -> None:
        """This AI-PAL, or one that greets as this `version`, of the same identity, does."""
        script = f'exec {self.command} "$@"'
        if version:
            said = f"greeting('{version}', 1, '{self.identity}')"
            python = (
                f"import sys; from ai_pal.machines.frames import greeting; sys.stdout.buffer.write({said})"
            )
            script = f'{self.command.partition(" ")[0]} -P -c "{python}"; sleep 60'
        self.program.write_text(f"#!/bin/sh\n{script}\n")
        self.program.chmod(0o755)

    def supervisor(self) -> psutil.Process | None:
        """Its supervisor, where one runs."""
        found = holder(self.home / "run")
        try:
            process = psutil.Process(found) if found else None
            return process if process is not None and "ai_pal" in words_of(process) else None
        except psutil.Error:
            return None

    def fall_asleep(self) -> None:
        """All that runs there stands still; what comes is taken by its kernel, and nobody reads it."""
        server, supervisor = psutil.Process(self.server.pid), self.supervisor()
        for one in filter(None, (server, supervisor)):
            self._asleep += [one, *one.children(recursive=True)]
        for one in self._asleep:
            with suppress(psutil.NoSuchProcess):
                one.suspend()

    def wake(self) -> None:
        """It goes on."""
        for one in self._asleep:
            with suppress(psutil.NoSuchProcess):
                one.resume()
        self._asleep = []

    def mend(self) -> None:
        """Whatever has befallen it is over."""
        self.thaw()
        self.wake()
        self.install()

    def goes_on(self) -> bool:
        """Whether anything there still does what it was asked: the far end of a link, or a worker."""
        return any(not gone(one.pid) for one in self.relays()) or self._computes()

    def _computes(self) -> bool:
        if self.supervisor() is None:
            return bool(workers_in(self.home / "run"))
        try:
            with Client(client_endpoint(self.environ)) as client:
                return any(worker.active for worker in client.status().workers)
        except AiPalError:
            return bool(workers_in(self.home / "run"))


class Watched(threading.Thread):
    """Looks on while the machine goes on, beside what else happens; for `most` seconds."""

    def __init__(self, box: Box, most: float) -> None:
        super().__init__(daemon=True)
        self._box, self._most, self._begun = box, most, time.monotonic()
        self._passed = float("inf")
        self.start()

    def run(self) -> None:
        while time.monotonic() - self._begun < self._most:
            if not self._box.goes_on():
                self._passed = time.monotonic() - self._begun
                return
            time.sleep(LOOK)

    def finished(self) -> float:
        """Seconds until nothing went on there any more; endless if it did all the time."""
        self.join()
        return self._passed


def ssh_here(box: Box) -> list[psutil.Process]:
    """The `ssh` processes of this machine that lead there."""
    wanted = {"-p", str(box.port), "-T"}
    return [
        one for one in psutil.process_iter() if wanted <= set(words := words_of(one)) and words[0] == "ssh"
    ]
