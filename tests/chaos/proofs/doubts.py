"""A doubted answer, another asked beside it, and a death or a cancel in the middle: one end, nothing that was
shown is taken back, a seam between two answers, no draft in what leaves. Promises 1, 3 and 6."""

import json
import random
import signal
import threading
import time
from typing import get_args

import msgspec

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.store.doubts import Calibration, Kind, ModelDoubts, Seen
from tests.chaos.laboratory import Laboratory, send
from tests.process.asked import Asked
from tests.process.supervised import pid_of, words_of
from tests.servers.loopback import Exchange, Loopback
from workers.engines.echo.text import reference

FULL, SMALL = 300, 3
FIRST, GAP = 1.0, 1.0
SETTINGS: dict[str, object] = {
    "connect_timeout": FIRST, "first_token_timeout": FIRST, "gap_timeout": GAP, "keep_alive": 60,
    "router_escalate": "auto",
}  # fmt: skip
END = 20.0
"""Seconds from the blow to the end: what is left of an answer, or of somebody's patience."""
TOKENS, LATEST = 40, 0.6
PACES, DOUBTS = (0.0, 0.005, 0.03), (0.01, 5.0, 5.0)
OTHER = ["from ", "afar, ", "and ", "whole"]
MANNERS = ("answers", "answers", "refuses", "breaks off", "hangs")
BLOWS = ("nothing", "worker", "egress", "cancel")
CONFIG = """
[local]
model = "echo"
[ollama]
enabled = false
[providers.openai]
base_url = "{url}/v1"
api_key = "sk-not-a-real-key"
mid = "gpt-3.5-turbo"
strong = "gpt-4"
"""


class Cloud:
    """Speaks as OpenAI does, each time in this `manner`. `asked` are the messages that came."""

    def __init__(self) -> None:
        self.manner = "answers"
        self.asked: list[list[dict[str, str]]] = []

    async def handle(self, exchange: Exchange) -> None:
        if exchange.method == "POST":
            self.asked.append(json.loads(exchange.body)["messages"])
        if self.manner == "refuses":
            return await exchange.answer_json(503, {"error": {"message": "no", "type": "server_error"}})
        if self.manner == "hangs":
            return await exchange.hang()
        await exchange.begin("text/event-stream")
        for number, word in enumerate(OTHER):
            await exchange.piece(_chunk({"content": word}))
            if self.manner == "breaks off" and number:
                return exchange.reset()
        await exchange.piece(_chunk({}, "stop"))
        await exchange.piece(b"data: [DONE]\n\n")
        return await exchange.end()


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4", "choices": choices}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


class Doubted(Asked):
    """A request that this machine answers first, and perhaps another instead."""

    prompt = "Hello there, my friend"
    whole = "".join(reference([Message("user", prompt)], TOKENS))

    def __init__(self, client: Client, pace: float, doubt: float) -> None:
        self.client, self.model = client, "the router's choice"
        options = GenerationOptions(extra={"tokens": TOKENS, "pace": pace, "doubt": doubt})
        self.stream = client.chat(self.prompt, options=options, escalate="auto")
        self.events: list[wire.AnyEvent] = []
        self.lost = None

    @property
    def wanted(self) -> int:  # type: ignore[override]
        """As many as come: they depend on who answers."""
        return sum(event.n for event in self.events if isinstance(event, wire.Delta))

    @property
    def answers(self) -> list[str]:
        """The texts before and behind each seam."""
        found = [""]
        for event in self.events:
            if isinstance(event, wire.Delta):
                found[-1] += event.text
            elif isinstance(event, wire.Notice) and event.kind == "seam":
                found.append("")
        return found

    def is_prefix(self, tokens: int) -> bool:
        first, *rest = self.answers
        other = "".join(OTHER)
        return len(rest) <= 1 and all(map(other.startswith, rest)) and self._is_one(first, bool(rest))

    def _is_one(self, first: str, seam: bool) -> bool:
        return self.whole.startswith(first) or (not seam and "".join(OTHER).startswith(first))

    @property
    def is_whole(self) -> bool:
        """Whether an answer that is done has all that it was to have."""
        return self.answers[-1] in (self.whole, "".join(OTHER))


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one answer with one blow."""
    cloud, report = Cloud(), lab.report
    with Loopback(cloud.handle) as server:
        lab.configure(CONFIG.format(url=server.url))
        for report.round in range(1, rounds + 1):
            cloud.manner, blow = dice.choice(MANNERS), dice.choice(BLOWS)
            _let_doubt(lab)
            with lab.client() as client:
                client.ask("one", model="echo")
                _round(lab, dice, client, cloud, blow)
            if blow == "worker":
                lab.stop()  # else the model fails for its deaths
        lab.is_sound()
    asked = {json.dumps(messages) for messages in cloud.asked}
    sent = {json.dumps([{"role": "user", "content": Doubted.prompt}])}
    report.expect(asked <= sent, f"not the prompt alone has left: {asked - sent}")


def _let_doubt(lab: Laboratory) -> None:
    """The supervisor knows of echo that it can doubt, and of 100 doubts."""
    numbers = [number / 100 for number in range(100)]
    kinds = {kind: Seen([*numbers], [*numbers], [*numbers]) for kind in get_args(Kind)}
    known = {"echo echo": ModelDoubts(Calibration(0.8, 100), 0.0, kinds)}
    (lab.home / "doubts.json").write_bytes(msgspec.json.encode(known))


def _round(lab: Laboratory, dice: random.Random, client: Client, cloud: Cloud, blow: str) -> None:
    report, pid = lab.report, pid_of(client)
    asked = Doubted(client, dice.choice(PACES), dice.choice(DOUBTS))
    struck = threading.Timer(dice.uniform(0.0, LATEST), _strike, (lab, blow, pid, asked))
    begun = time.monotonic()
    struck.start()
    if not asked.finish(END * report.slack):
        asked.cancel()
        report.expect(False, f"no end, {blow} while the cloud {cloud.manner}")
    struck.cancel()
    struck.join()
    report.took("the end", time.monotonic() - begun, END)
    report.ended(asked)
    told = f"{blow} while the cloud {cloud.manner}"
    report.expect(not isinstance(asked.end, wire.Done) or asked.is_whole, f"done too early: {told}")
    report.expect(not isinstance(asked.end, wire.Cancelled) or blow == "cancel", f"cancelled: {told}")
    report.figures[told] = report.figures.get(told, 0) + 1
    seam = "answers behind a seam"
    report.figures[seam] = report.figures.get(seam, 0) + (len(asked.answers) > 1)


def _strike(lab: Laboratory, blow: str, worker: int, asked: Doubted) -> None:
    if blow == "cancel":
        asked.cancel()
    elif blow == "worker":
        send(worker, signal.SIGKILL)
    elif blow == "egress":
        for process in lab.processes():
            if "ai_pal.egress" in words_of(process):
                send(process.pid, signal.SIGKILL)
