"""Any command that starts Python somewhere is an engine: `ssh box python3`, `srun -w box python3`.

Each node has such a command. A program that runs there as long as the engine does tells the node's facts;
each agent is a program of its own, and ends with its stdin.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

import msgspec

from ai_pal.cluster import agent, facts
from ai_pal.cluster.engine import SILENT_SECONDS, START_SECONDS, Events
from ai_pal.errors import Code
from ai_pal.protocol import node_facts
from ai_pal.protocol.cluster import Node, Ticket
from ai_pal.restarts import Restarts

AGENT, FACTS = ("-P", "-m", agent.__name__), ("-P", "-m", facts.__name__)

GIVE_UP_SECONDS = 10.0
"""Of silence, after which what tells of a node is started anew: no end of a line is told that was cut, nor of
a host that was switched off."""

STDIN_SECONDS = 0.5
"""What a program may take to end when its stdin has: then the command is killed."""

WORDS = 300
"""Characters at most of what a command said last."""

WORDS_SECONDS = 0.5
"""What these may come behind its end: something else may hold its stderr open."""

LINE_BYTES, FACTS_BYTES = 1 << 20, 16 << 20
"""Of one line at most. Facts name up to `catalog.weights.identity.MOST_FILES` files."""


class CommandEngine:
    """Implements `Engine`. `commands` are words by node that start Python there; its arguments follow."""

    name = "command"

    def __init__(self, commands: Mapping[str, str], events: Events) -> None:
        self._events = events
        self._commands = {name: shlex.split(command) for name, command in commands.items()}
        self._lock = threading.Lock()
        self._agents: dict[str, _Program] = {}
        self._lookouts = [_Lookout(name, command) for name, command in sorted(self._commands.items())]

    def nodes(self) -> Sequence[Node]:
        return tuple(lookout.node(time.monotonic()) for lookout in self._lookouts)

    def start(self, ticket: Ticket) -> None:
        with self._lock:
            if ticket.worker in self._agents:
                raise ValueError(f"{ticket.worker} was started before")
            command = self._commands.get(ticket.node)
            program = self._agents[ticket.worker] = _Program([*(command or ()), *AGENT])
        run = self._run if command is not None else self._unknown
        threading.Thread(
            target=run, args=(ticket, program), name=f"agent {ticket.worker}", daemon=True
        ).start()

    def stop(self, worker: str) -> None:
        with self._lock:
            program = self._agents.get(worker)
        if program is not None:
            program.stop()

    def close(self) -> None:
        self._events = _Nobody()
        for lookout in self._lookouts:
            lookout.close()
        with self._lock:
            programs = list(self._agents.values())
        for program in programs:
            program.stop(patience=0.0)

    def _unknown(self, ticket: Ticket, program: "_Program") -> None:
        self._forget(ticket.worker)
        self._events.refused(ticket.worker, f"there is no node {ticket.node}", Code.NO_NODE)

    def _run(self, ticket: Ticket, program: "_Program") -> None:
        """The life of one agent, in a thread of its own."""
        late = threading.Timer(START_SECONDS, program.stop)
        late.daemon = True
        try:
            late.start()
            program.begin(msgspec.json.encode(ticket) + b"\n")
            for line in program.lines():
                if line.startswith(agent.KEY):
                    late.cancel()
                    self._events.admitted(ticket.worker, line.removeprefix(agent.KEY).strip())
            reason = program.ended()
        except OSError as error:
            reason = f"{program.command[0]}: {error.strerror}"
        finally:
            late.cancel()
        self._forget(ticket.worker)
        self._events.lost(ticket.worker, reason)

    def _forget(self, worker: str) -> None:
        with self._lock:
            del self._agents[worker]


class _Nobody:
    """Hears what happens after the end."""

    def admitted(self, worker: str, key: str) -> None: ...

    def refused(self, worker: str, reason: str, cause: Code | None) -> None: ...

    def lost(self, worker: str, reason: str) -> None: ...


class _Lookout:
    """Knows the facts of one node, by a program there that is started again whenever it ends."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._command = [*command, *FACTS, name]
        self._node, self._told_at = Node(name, silent=True), float("-inf")
        self._program: _Program | None = None
        self._tell_by, self._files_known = float("inf"), False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name=f"node {name}", daemon=True).start()

    def node(self, now: float) -> Node:
        """What it told last; to be asked every now and then, for its program is given up here."""
        if now > self._tell_by and self._program is not None:
            self._tell_by = float("inf")
            self._program.stop(patience=0.0)
        silent = now - self._told_at > SILENT_SECONDS
        return msgspec.structs.replace(self._node, silent=silent) if silent else self._node

    def close(self) -> None:
        self._closed.set()
        if self._program is not None:
            self._program.stop(patience=0.0)

    def _watch(self) -> None:
        restarts = Restarts()
        while not self._closed.is_set():
            began, self._program, self._files_known = time.monotonic(), _Program(self._command), False
            self._tell_by = began + START_SECONDS
            if self._closed.is_set():  # only now, and `close` has not seen this program
                return
            try:
                self._program.begin(b"")
                for line in self._program.lines(FACTS_BYTES):
                    if line.startswith(facts.MARK):
                        self._told(line.removeprefix(facts.MARK))
                self._program.ended()
            except OSError:  # no such command, or nothing to start it with: tried again
                pass
            self._told_at = float("-inf")
            self._closed.wait(restarts.wait(time.monotonic() - began))

    def _told(self, text: str) -> None:
        try:
            node = node_facts.read(text, self._node, files_known=self._files_known)
        except msgspec.DecodeError:  # something else writes there too: it may have had news of files
            self._files_known = False
            return
        except node_facts.FilesUnknownError:  # after such a line: a new program tells them again
            if self._program is not None:
                self._program.stop(patience=0.0)
            return
        now = time.monotonic()
        self._node, self._told_at, self._files_known = node, now, True
        self._tell_by = now + GIVE_UP_SECONDS


class _Program:
    """One command that runs, or will; `stop` may come from any thread, at any time."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self._popen: subprocess.Popen[bytes] | None = None
        self._said = deque[str](maxlen=3)
        self._hearing: threading.Thread | None = None
        self._lock, self._stopped = threading.Lock(), False

    def begin(self, first: bytes) -> None:
        """Start it, and write `first` to its stdin. Raises OSError."""
        with self._lock:
            if self._stopped:
                return
            self._popen = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                process_group=0,
            )  # fmt: skip
            assert self._popen.stdin is not None
            assert self._popen.stderr is not None
            self._hearing = threading.Thread(target=self._hear, args=(self._popen.stderr,), daemon=True)
            self._hearing.start()
            stdin = os.fdopen(os.dup(self._popen.stdin.fileno()), "wb", buffering=0)
        # A descriptor of its own, and no lock: who reads nothing is to be stopped all the same.
        with stdin, contextlib.suppress(BrokenPipeError):  # it has ended already, and why is told by its end
            left = memoryview(first)
            while left:
                left = left[stdin.write(left) :]

    def lines(self, most: int = LINE_BYTES) -> Iterator[str]:
        """What it writes, until it ends; lines of so many bytes at most."""
        if self._popen is not None and self._popen.stdout is not None:
            yield from _lines(self._popen.stdout, most)

    def ended(self) -> str:
        """Wait for its end; why that was, for people."""
        if self._popen is None:
            return "it was stopped before it began"
        code = self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                _quietly(stream.close)
        if self._hearing is not None:
            self._hearing.join(WORDS_SECONDS)
        how = f"`{shlex.join(self.command[:2])}` ended with {code}"
        said = " / ".join(self._said)[-WORDS:]
        return f"{how}: {said}" if said else how

    def stop(self, patience: float = STDIN_SECONDS) -> None:
        """Let it end, and kill it after `patience` seconds."""
        with self._lock:
            self._stopped = True
            if self._popen is None or self._popen.stdin is None:
                return
            _quietly(self._popen.stdin.close)
        if patience == 0.0:
            self._kill()
        else:
            late = threading.Timer(patience, self._kill)
            late.daemon = True
            late.start()

    def _kill(self) -> None:
        assert self._popen is not None
        popen = self._popen
        if popen.returncode is None:
            _quietly(lambda: os.killpg(popen.pid, signal.SIGKILL))

    def _hear(self, pipe: IO[bytes]) -> None:
        with pipe:
            self._said.extend(_lines(pipe, LINE_BYTES))


def _lines(pipe: IO[bytes], most: int) -> Iterator[str]:
    for line in iter(lambda: pipe.readline(most), b""):
        yield line.decode("utf-8", "replace").strip()


def _quietly(act: Callable[[], None]) -> None:
    """It may have ended already."""
    with contextlib.suppress(OSError):
        act()
