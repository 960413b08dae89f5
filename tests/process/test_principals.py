"""One client that asks for many: its users have their turns, and the ledger tells them apart."""

import json
import subprocess
import sys

import pytest

from ai_pal.client import Client
from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire
from tests.process.eventually import eventually
from tests.process.supervised import Supervised

pytestmark = pytest.mark.timeout(180)
MODEL = "echo?slots=1"


def test_who_asks_for_much_keeps_nobody_else_of_the_same_client_waiting(daemon: Supervised) -> None:
    with daemon.client() as gateway, daemon.client() as other, daemon.client() as watcher:
        first = gateway.chat("one two three four", model=MODEL, principal="busy", extra={"pace": 0.5})
        next(event for event in first if isinstance(event, wire.Started))
        asked = [
            (who, gateway.chat(f"for {who}", model=MODEL, principal=who))
            for who in ("busy", "busy", "busy", "ann", "ben")
        ]
        asked.append(("other", other.chat("for itself", model=MODEL)))
        order = answered(watcher, {"busy", "ann", "ben", ""}, 1 + len(asked))
        assert all(stream.answer().finish_reason == "stop" for _, stream in [("", first), *asked])
    assert [who for who in order if who] == ["busy", "busy", "ann", "ben", "busy", "busy"]
    assert order.index("") <= 2, "a client has no more turns for asking in many names"
    assert eventually(lambda: usage(daemon, "principal") == {"": 1, "ann": 1, "ben": 1, "busy": 4})


def answered(watcher: Client, everybody: set[str], count: int) -> list[str]:
    """For whom so many answers begin, in their order; nobody is let go before everybody is in the line."""
    scene, begun = Scene(), dict[str, str]()
    together = False
    for event in watcher.events():
        scene.take(event)
        begun |= {one.key: one.principal for one in event.requests if one.phase == "answering"}
        if {one.principal for one in scene.requests.values()} == everybody:
            together = True
        if len(begun) == count:
            break
    assert together
    return list(begun.values())


def usage(daemon: Supervised, by: str) -> dict[str, int]:
    """Answers by their key."""
    command = [sys.executable, "-m", "ai_pal", "usage", "--by", by, "--json"]
    out = subprocess.run(command, env=daemon.environ, capture_output=True, check=True, timeout=60).stdout
    return {line["key"]: line["answers"] for line in json.loads(out)["lines"]}
