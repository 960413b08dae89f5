"""Promise 18: gateway, supervisor or worker dies under open streams of each door; every stream ends at once,
and as its protocol says, once. A gateway takes no terminal's answer along, and comes back."""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.client import Gateway
from tests.chaos.laboratory import Laboratory
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.process.supervised import pid_of

FULL, SMALL = 250, 3
SETTINGS: dict[str, object] = {"http_start": "true", "http_listen": "127.0.0.1:0"}
END = 1.0
SETTLE = 60.0
LATEST = 0.1
VICTIMS = ("gateway", "supervisor", "worker")
WORDS = " ".join(f"w{n}" for n in range(5_000))
ASKED = [{"role": "user", "content": WORDS}]

Ends = Callable[[list[Any]], int]


def _of_chat(said: list[Any]) -> int:
    return sum(one == "[DONE]" or "error" in one for one in said)


def _of_messages(said: list[Any]) -> int:
    return sum(one["type"] in ("message_stop", "error") for one in said)


def _of_responses(said: list[Any]) -> int:
    over = ("response.completed", "response.failed", "response.incomplete", "error")
    return sum(one["type"] in over for one in said)


def _of_ollama(said: list[Any]) -> int:
    return sum(bool(one.get("done")) or "error" in one for one in said)


DOORS: dict[str, tuple[dict[str, object], Ends]] = {
    "/v1/chat/completions": ({"messages": ASKED}, _of_chat),
    "/v1/completions": ({"prompt": WORDS, "max_tokens": 100_000}, _of_chat),
    "/v1/messages": ({"messages": ASKED, "max_tokens": 100_000}, _of_messages),
    "/v1/responses": ({"input": WORDS}, _of_responses),
    "/api/chat": ({"messages": ASKED}, _of_ollama),
    "/api/generate": ({"prompt": WORDS}, _of_ollama),
}


class Stream:
    """One that is read to its end by a thread; `cut`: the connection ended before the body did."""

    def __init__(self, url: str, path: str, model: str) -> None:
        body, self._ends = DOORS[path]
        self.path, self._where = path, urlsplit(url)
        self._body = json.dumps({**body, "model": model, "stream": True})
        self._said, self._status, self.cut, self.over_at = bytearray(), 0, False, 0.0
        self.begun = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self, seconds: float) -> bool:
        """Whether it is over by then."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def ends(self) -> int:
        """How often it says that it ends; an error's status is an end."""
        if self._status != 200:
            return 1
        lines = (line.removeprefix("data: ") for line in self._said.decode().splitlines())
        told = [line for line in lines if line == "[DONE]" or line.startswith("{")]
        return self._ends([line if line == "[DONE]" else json.loads(line) for line in told])

    def _read(self) -> None:
        asking = http.client.HTTPConnection(self._where.hostname or "", self._where.port, timeout=SETTLE)
        try:
            asking.request("POST", self.path, self._body, {"Content-Type": "application/json"})
            answer = asking.getresponse()
            self._status = answer.status
            while piece := answer.read1(65536):
                self._said += piece
                self.begun.set()
        except (OSError, http.client.HTTPException):
            self.cut = True
        finally:
            self.over_at = time.monotonic()
            self.begun.set()
            asking.close()


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one death under a stream of each door."""
    for victim in lab.turns(dice, VICTIMS, rounds):
        with lab.client() as client:
            gateway = _gateway(client)
            _die(lab, dice, client, gateway, victim)
            if victim == "gateway":
                begun = time.monotonic()
                _gateway(client, other_than=gateway.pid)
                lab.report.took("a gateway is back", time.monotonic() - begun, SETTLE)


def _die(lab: Laboratory, dice: random.Random, client: Client, gateway: Gateway, victim: str) -> None:
    report = lab.report
    loads = victim != "worker" and dice.random() < 0.3
    slow = "&load_seconds=600" if loads else ""
    model = f"echo?context=200000&id={lab.name()}{slow}&pace=0.01&slots=8"
    streams = [Stream(gateway.address, path, model) for path in DOORS]
    if not loads:
        report.expect(all(one.begun.wait(SETTLE) for one in streams), "a stream did not begin")
    terminal = Asked(client, f"echo?id={lab.name()}", pace=0.01, tokens=50)
    terminal.until(wire.Delta)
    time.sleep(dice.uniform(0, LATEST))
    worker = pid_of(client, model) if victim == "worker" else 0
    died = time.monotonic()
    if victim == "supervisor":
        lab.kill()
    else:
        os.kill(worker or gateway.pid, signal.SIGKILL)
    for one in streams:
        report.requests += 1
        if report.expect(one.finish(SETTLE), f"{one.path} never ended"):
            report.took(f"end of a stream after a {victim}'s death", max(0.0, one.over_at - died), END)
            ended = one.ends()
            report.outcomes["cut" if one.cut else "ended"] += 1
            fine = ended <= 1 if victim == "gateway" else ended == 1 and not one.cut
            report.expect(fine, f"{one.path}: {ended} ends, cut: {one.cut}, by a {victim}'s death")
    report.expect(terminal.finish(SETTLE), "the terminal's answer never ended")
    if victim != "supervisor":
        report.expect(isinstance(terminal.end, wire.Done), f"a {victim} took a terminal's answer along")


def _gateway(client: Client, other_than: int = 0) -> Gateway:
    """The gateway of this supervisor, once it has said where it is."""

    def found() -> Gateway | None:
        return next((one for one in client.status().gateways if one.pid != other_than), None)

    return eventually(found, within=SETTLE)
