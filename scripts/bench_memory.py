"""Estimated memory of each model against the peak that its worker reaches in a request of a full window.

scripts/bench_memory.py MODEL... [--words 2000]
"""

import argparse
import re
from pathlib import Path

from ai_pal.client import Client
from ai_pal.client.daemon import hosted
from ai_pal.messages import client as wire
from ai_pal.messages.chat import Options

FILLED = 0.9
"""The part of the window that the prompt fills."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--runs", type=int, default=2, help="the second one knows the first one's peak")
    parser.add_argument("--words", type=int, default=0, help="of the prompt; default: fill the window")
    args = parser.parse_args()
    print("| model | run | estimate | peak | estimate / peak | after load | prompt tokens |\n|" + "---|" * 7)
    for model in args.models:
        for run in range(1, args.runs + 1):
            with hosted() as client:
                print(f"| {model} | {run} | {_row(client, model, args.words)} |", flush=True)


def _row(client: Client, model: str, words: int) -> str:
    for _ in client.load(model):
        pass
    worker = _status(client)
    loaded = peak_of(worker.pid)
    prompt = "word " * (words or int(worker.context * FILLED))
    stream = client.chat(prompt, model=model, options=Options(max_tokens=16))
    done = next(event for event in stream if isinstance(event, wire.TERMINAL))
    assert isinstance(done, wire.Done), done
    peak = peak_of(worker.pid)
    estimate = getattr(worker, "reserved", 0)
    sizes = (
        f"{estimate / 1e6:,.0f} MB | {peak / 1e6:,.0f} MB | {estimate / peak:.3f} | {loaded / 1e6:,.0f} MB"
    )
    return f"{sizes} | {done.usage.prompt_tokens}"


def _status(client: Client) -> wire.WorkerStatus:
    return client.status().workers[0]


def peak_of(pid: int | None) -> int:
    """The most resident memory a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
