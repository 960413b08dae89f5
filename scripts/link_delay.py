#!/usr/bin/env python3
"""What a link to another machine costs: round trips and first tokens through the relay, through a port that
`ssh -N -L` forwards, and at the far supervisor's own socket; and when a cut link is told. All of it runs on
this machine, which needs openssh-server.

  .venv/bin/python scripts/link_delay.py
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from ai_pal.client import Client, GenerationOptions
from ai_pal.machines.link import Link
from ai_pal.protocol import client as wire
from tests.process.answers import slow
from tests.process.eventually import eventually
from tests.servers.sshd import SecondMachine

TRIPS, ANSWERS, CUTS = 400, 15, 8
WORDS = GenerationOptions(extra={"tokens": 10, "pace": 0.03})


def main() -> None:
    with SecondMachine() as box:
        os.environ.update(box.agent)
        link = Link("box", box.machine())
        link.open()
        front = box.home / "run" / "front.sock"
        with Client(link.endpoint) as through, Client(f"ipc://{front}") as there:
            show("its own socket", there)
            show("through the relay", through)
            forwarded(box, front, lambda client: show("through ssh -N -L", client))
        link.close()
        cut(box, front)


def show(name: str, client: Client) -> None:
    client.ask("one two", model="echo")
    trips = [seconds(client.status) for _ in range(TRIPS)]
    first = [first_token(client) for _ in range(ANSWERS)]
    print(f"{name:18} round trip {figures(trips)}; first token {figures(first)}", flush=True)


def first_token(client: Client) -> float:
    events = iter(client.chat("one two three", model="echo", options=WORDS))
    begun = time.perf_counter()
    next(event for event in events if isinstance(event, wire.Delta))
    waited = time.perf_counter() - begun
    list(events)
    return waited


def cut(box: SecondMachine, front: Path) -> None:
    """The link is cut without a word, in the midst of an answer."""
    both = [one_cut(box, front) for _ in range(CUTS)]
    told, ended = zip(*both, strict=True)
    print(f"cut: it computes on for {span(ended)}, and it is told after {span(told)}")


def one_cut(box: SecondMachine, front: Path) -> tuple[float, float]:
    """Seconds until it is told, and until nothing computes any more."""
    link = Link("box", box.machine())
    link.open()
    with Client(link.endpoint) as client, Client(f"ipc://{front}") as there:
        events = iter(client.chat("one two", model="echo", options=slow()))
        next(event for event in events if isinstance(event, wire.Delta))
        box.freeze()
        begun = time.monotonic()
        eventually(lambda: not any(worker.active for worker in there.status().workers))
        ended = time.monotonic() - begun
        eventually(lambda: link.over)
        told = time.monotonic() - begun
        box.thaw()
    link.close()
    return told, ended


def forwarded(box: SecondMachine, front: Path, use: Callable[[Client], None]) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        known, here = Path(folder) / "known_hosts", Path(folder) / "front.sock"
        known.write_text(f"[127.0.0.1]:{box.port} {box.host_key}\n")
        options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}", "-p", str(box.port)]
        command = ["ssh", "-N", *options, "-L", f"{here}:{front}", box.target]
        with subprocess.Popen(command) as ssh:
            eventually(here.exists)
            with Client(f"ipc://{here}") as client:
                use(client)
            ssh.kill()


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def span(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f} s"


def figures(values: Sequence[float]) -> str:
    p50, p90 = (1000 * sorted(values)[int(len(values) * at)] for at in (0.5, 0.9))
    return f"p50 {p50:.1f} p90 {p90:.1f} ms"


if __name__ == "__main__":
    main()
