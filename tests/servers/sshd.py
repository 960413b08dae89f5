"""A real OpenSSH server, as a second machine: host key, home and AI-PAL of its own.

Whoever may log in has their key in an agent, as `ssh` looks for it: no file of the user's is touched."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil

from ai_pal.protocol.provider import Machine
from ai_pal.transport.run_files import holder
from tests.process.eventually import eventually
from tests.process.homes import Environ, stop_supervisor

SSHD = "/usr/sbin/sshd"
LOOPBACK = "127.0.0.1"
TOOLS = ("ssh", "ssh-agent", "ssh-add", "ssh-keygen")

CONFIG = """\
ListenAddress {address}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
SetEnv {environment}
"""


def is_here() -> bool:
    """Whether the server and the tools are installed."""
    return Path(SSHD).exists() and all(shutil.which(tool) for tool in TOOLS)


class SecondMachine:
    """An SSH server and an empty home behind it. `machine` is how it is reached; `agent` is the environment
    of those who may log in. It listens on loopback, unless on a host whose commands begin with `within`."""

    def __init__(self, address: str = LOOPBACK, within: Sequence[str] = (), **environ: str) -> None:
        self._address, self._within = address, within
        self.folder = Path(tempfile.mkdtemp(prefix="ai-pal-box-", dir="/tmp"))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environ: Environ = {
            "HOME": str(self.home),
            "AI_PAL_HOME": str(self.home),
            "AI_PAL_MODEL": "echo",
            "XDG_CONFIG_HOME": str(self.home / "config"),
            **environ,
        }
        for name in ("host_key", "user_key"):
            self._make_key(name)
        self._agent = self._start_agent()
        self._port = _free_port()
        self._frozen: list[psutil.Process] = []
        self.server = self._start_server()

    @property
    def agent(self) -> Environ:
        """What lets somebody log in."""
        return {"SSH_AUTH_SOCK": str(self.folder / "agent.sock")}

    @property
    def host_key(self) -> str:
        """The public key of its host."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def command(self) -> str:
        """How AI-PAL is started there."""
        return f"{sys.executable} -P -m ai_pal"

    @property
    def target(self) -> str:
        """As `ssh` takes it."""
        import getpass

        return f"{getpass.getuser()}@{self._address}"

    @property
    def python(self) -> str:
        """The command that starts Python there, for whoever knows neither host nor key."""
        known = self.folder / "known_hosts"
        known.write_text(f"[{self._address}]:{self._port} {self.host_key}\n")
        options = [f"UserKnownHostsFile={known}", f"IdentityFile={self.folder}/user_key"]
        options += ["IdentityAgent=none", "BatchMode=yes", "GlobalKnownHostsFile=/dev/null"]
        words = ["ssh", "-F", "none", *(word for option in options for word in ("-o", option))]
        return shlex.join([*words, "-p", str(self._port), self.target, sys.executable])

    @property
    def port(self) -> int:
        return self._port

    def machine(self, *, host_key: str = "", identity: str = "") -> Machine:
        """How it is reached."""
        return Machine(self.target, self._port, host_key or self.host_key, identity, self.command)

    def change_host_key(self) -> None:
        """From now on another machine seems to be there."""
        self.stop_server()
        for name in ("host_key", "host_key.pub"):
            (self.folder / name).unlink()
        self._make_key("host_key")
        self.server = self._start_server()

    def stop_server(self) -> None:
        """Nobody listens there, and no session is left."""
        self.kill_sessions()
        self.server.kill()
        self.server.wait()

    def start_server(self) -> None:
        self.server = self._start_server()

    def sessions(self) -> list[psutil.Process]:
        """The processes of its server that hold a connection, without what they run."""
        return [child for child in self._children() if _name(child).startswith("sshd")]

    def relays(self) -> list[psutil.Process]:
        """What they run."""
        return [child for child in self._children() if not _name(child).startswith("sshd")]

    def kill_sessions(self) -> None:
        """Every connection ends, without a word."""
        for session in self.sessions():
            with suppress(psutil.Error):
                session.kill()

    def freeze(self) -> None:
        """Nothing goes through any connection, and none is closed: as if a cable were out."""
        self._frozen = self.sessions()
        for session in self._frozen:
            session.suspend()

    def thaw(self) -> None:
        """The cable is in again."""
        for session in self._frozen:
            with suppress(psutil.Error):
                session.resume()

    @contextmanager
    def supervisor_stands_still(self) -> Iterator[None]:
        """The AI-PAL there is stopped in the middle; the link to it stands."""
        supervisor = psutil.Process(holder(self.home / "run"))
        supervisor.suspend()
        try:
            yield
        finally:
            supervisor.resume()

    def _children(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return psutil.Process(self.server.pid).children(recursive=True)
        return []

    def stop_supervisor(self) -> None:
        """The AI-PAL there."""
        stop_supervisor(self.environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_server()
        self.stop_supervisor()
        self._agent.kill()
        self._agent.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_key(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)

    def _start_agent(self) -> "subprocess.Popen[bytes]":
        where = self.folder / "agent.sock"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(where)], stdout=subprocess.DEVNULL)
        eventually(where.exists)
        key = str(self.folder / "user_key")
        environ = os.environ | {"SSH_AUTH_SOCK": str(where)}
        eventually(lambda: not subprocess.run(["ssh-add", "-q", key], check=False, env=environ).returncode)
        return agent

    def _start_server(self) -> "subprocess.Popen[bytes]":
        config = self.folder / "sshd_config"
        said = " ".join(f"{name}={value}" for name, value in self.environ.items())
        config.write_text(
            CONFIG.format(address=self._address, port=self._port, folder=self.folder, environment=said)
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it puts those who are not in yet
        log = (self.folder / "sshd.log").open("ab")
        with log:
            server = subprocess.Popen([*self._within, SSHD, "-D", "-e", "-f", str(config)], stderr=log)
        eventually(lambda: _listens(self._address, self._port) or server.poll() is not None)
        assert server.poll() is None, (self.folder / "sshd.log").read_text()
        return server


def _name(process: psutil.Process) -> str:
    """Of one that has ended meanwhile what a session is called: it is nothing that runs."""
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return "sshd"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0
