"""A real egress process, driven as the supervisor does: over ZeroMQ, with the environment it would have."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import zmq

from ai_pal.config.egress_environment import egress_environment
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import (
    AnyPart,
    Message,
    PartKind,
    Reasoning,
    Text,
    TokenLogprob,
    ToolCall,
)
from ai_pal.server.nodes.local import ENVIRONMENT
from tests.nursery import EGRESS, Forked, nursery

CONNECT_SECONDS = 5.0
"""What a request says that says nothing of it."""

SECONDS = 60.0

ENDS = (out.CompletionDone, out.CompletionFailed, out.ProviderModels)


class Heard(msgspec.Struct):
    """A part of an answer."""

    kind: PartKind
    text: str = ""
    call: str = ""
    name: str = ""
    signature: str = ""


class Answer(msgspec.Struct):
    """All that was heard of one completion. `text` is what it says, `parts` all of it by their numbers."""

    text: str = ""
    parts: dict[int, Heard] = {}
    logprobs: list[tuple[int, TokenLogprob]] = msgspec.field(default_factory=list)
    thinking: int = 0
    pieces: int = 0
    connected: bool = False
    notices: list[tuple[str, str]] = msgspec.field(default_factory=list)
    sent: bool = False
    end: out.CompletionDone | out.CompletionFailed | out.ProviderModels | None = None

    @property
    def reasoning(self) -> str:
        return "".join(part.text for part in self.parts.values() if part.kind == "reasoning")

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The names of the tools that are called, with the arguments."""
        return [(part.name, part.text) for part in self.parts.values() if part.kind == "tool_call"]

    @property
    def message(self) -> Message:
        """The answer as a turn to send back."""
        made: list[AnyPart] = []
        for part in self.parts.values():
            match part.kind:
                case "text":
                    made.append(Text(part.text))
                case "reasoning":
                    made.append(Reasoning(part.text, part.signature))
                case "tool_call":
                    made.append(ToolCall(part.call, part.name, part.text))
        return Message("assistant", made)

    @property
    def done(self) -> out.CompletionDone:
        assert isinstance(self.end, out.CompletionDone), self.end
        return self.end

    @property
    def failed(self) -> out.CompletionFailed:
        assert isinstance(self.end, out.CompletionFailed), self.end
        return self.end


class EgressDriver:
    """The supervisor's side. Every wait has a deadline."""

    def __init__(
        self, socket: "zmq.Socket[bytes]", process: "subprocess.Popen[bytes] | Forked", log: Path
    ) -> None:
        self._socket, self.process, self._log = socket, process, log
        self._peer = b""
        self._keys = 0
        self._answers: dict[int, Answer] = {}
        self.heard: list[bytes] = []
        self._last = "nothing", time.monotonic()
        self.wait_for(lambda message: isinstance(message, out.EgressHello))

    def ask(
        self, complete: out.Complete | out.ListModels, seconds: float = 40.0, blobs: Sequence[bytes] = ()
    ) -> Answer:
        """Ask and wait for the end."""
        return self.gather(self.start(complete, blobs), seconds)

    def start(self, request: out.Complete | out.ListModels, blobs: Sequence[bytes] = ()) -> int:
        """Ask; gives the key that it got. Connections have the time of a busy machine, unless a test says how
        much."""
        if isinstance(request, out.Complete) and request.connect == CONNECT_SECONDS:
            request = msgspec.structs.replace(request, connect=SECONDS)
        self._keys += 1
        self._answers[self._keys] = Answer()
        self.send(msgspec.structs.replace(request, key=self._keys), *blobs)
        return self._keys

    def gather(self, key: int, seconds: float = 20.0, *, until_text: bool = False) -> Answer:
        """What is heard until the end (or the first text), with nothing missing."""
        answer, deadline = self._answers[key], time.monotonic() + seconds
        while answer.end is None and not (until_text and answer.text):
            self._receive(deadline)
        return answer

    def wait_for(self, wanted: Callable[[out.FromEgress], bool], seconds: float = 20.0) -> None:
        """Wait until `wanted(message)`."""
        deadline = time.monotonic() + seconds
        found = False
        while not found:
            found = any(wanted(message) for message in self._receive(deadline))

    def send(self, message: out.ToEgress, *blobs: bytes) -> None:
        self._socket.send_multipart([self._peer, out.encode(message), *blobs])

    def log(self) -> str:
        """What the process wrote."""
        return self._log.read_text()

    def _receive(self, deadline: float) -> list[out.FromEgress]:
        left = deadline - time.monotonic()
        if left <= 0 or not self._socket.poll(int(left * 1000) + 1):
            what, when = self._last
            heard = f"{len(self.heard)} messages came, the last {time.monotonic() - when:.1f} s ago: {what}"
            raise AssertionError(f"what is waited for did not come; {heard}\n{self.log()[-3000:]}")
        self._peer, *frames = self._socket.recv_multipart()
        self.heard += frames
        messages = [out.decode_from_egress(frame) for frame in frames]
        self._last = type(messages[-1]).__name__, time.monotonic()
        for message in messages:
            answer = self._answers.get(getattr(message, "key", 0))
            if answer is not None:
                _add(answer, message)
        return messages


def _add(answer: Answer, message: out.FromEgress) -> None:
    assert answer.end is None, "something came after the end"
    match message:
        case out.CompletionConnected():
            assert not answer.connected
            answer.connected = True
        case out.CompletionNotice():
            answer.notices.append((message.kind, message.reason))
        case out.CompletionSent():
            assert answer.connected
            assert not answer.sent
            answer.sent = True
        case out.CompletionDelta():
            assert message.seq == answer.pieces
            assert message.text or message.call or message.signature
            _grow(answer, message)
            answer.pieces += message.n
        case out.CompletionThinking():
            answer.thinking += 1
        case out.CompletionLogprobs():
            assert 0 <= message.seq < answer.pieces, "they come behind the text"
            answer.logprobs += [(message.seq, token) for token in message.tokens]
        case out.CompletionDone():
            assert message.seq == answer.pieces
            answer.end = message
        case out.CompletionFailed() | out.ProviderModels():
            answer.end = message


def _grow(answer: Answer, delta: out.CompletionDelta) -> None:
    """Each part has one kind, begins once, and is signed at its end."""
    if delta.index not in answer.parts:
        assert delta.index >= len(answer.parts)
        assert bool(delta.call) == (delta.kind == "tool_call")
        answer.parts[delta.index] = Heard(delta.kind, call=delta.call, name=delta.name)
        assert len({part.call for part in answer.parts.values() if part.call}) == sum(
            part.kind == "tool_call" for part in answer.parts.values()
        )
    else:
        assert not delta.call
    part = answer.parts[delta.index]
    assert part.kind == delta.kind
    assert not part.signature
    part.text += delta.text
    part.signature = delta.signature
    if delta.kind == "text":
        answer.text += delta.text


@contextlib.contextmanager
def egress_process(
    variables: Mapping[str, str], module: str = "ai_pal.egress", **forced: str
) -> Iterator[EgressDriver]:
    """Run one with these variables in the user's environment; it gets the `forced` ones in any case, from its
    first moment on: Python and the SDKs read them. Without, it comes from a nursery; so does no other
    `module` of the kind."""
    folder = Path(tempfile.mkdtemp(prefix="ai-pal-egress-", dir="/tmp"))
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    environment |= egress_environment({"AI_PAL_HOME": str(folder), **variables}) | forced
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.linger = 0
    socket.rcvhwm = 16
    endpoint = f"ipc://{folder}/workers.sock"
    socket.bind(endpoint)
    arguments = ["--endpoint", endpoint, "--worker", "egress.1.0"]
    process: subprocess.Popen[bytes] | Forked
    with (folder / "log").open("wb") as log:
        if forced:
            command = [sys.executable, "-P", "-m", module, *arguments, "--parent", str(os.getpid())]
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        else:
            streams = {1: log.fileno(), 2: log.fileno()}
            process = nursery(EGRESS).fork(arguments, folder, streams, environment)
    try:
        yield EgressDriver(socket, process, folder / "log")
    finally:
        process.kill()
        process.wait(10)
        context.destroy(linger=0)
        shutil.rmtree(folder, ignore_errors=True)
