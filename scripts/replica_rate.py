#!/usr/bin/env python3
"""Answers a second with one and with two replicas, eight asked at once: of an echo that computes nothing, of
one that waits for each token as for a GPU or another node, and of the starter model, which needs the cores;
also by each second of the workers' CPU, on which other work of the machine has little influence.

  .venv/bin/python scripts/replica_rate.py [echo] [smollm2]
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from ai_pal.client import GenerationOptions
from ai_pal.config import paths
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised

AT_ONCE, SLOTS, SECONDS, ROUNDS = 8, 4, 5.0, 4
PROMPT = "Tell me about the sea."
Rate = tuple[float, float]
CASES = {
    "echo, flat out": ("echo", GenerationOptions(extra={"tokens": 20})),
    "echo, 20 ms a token": ("echo", GenerationOptions(extra={"tokens": 20, "pace": 0.02})),
    "the starter": ("smollm2", GenerationOptions(temperature=0.0, max_tokens=8)),
}


def main() -> None:
    models = str(paths.home() / "models")
    chosen = sys.argv[1:]
    for name, (model, options) in CASES.items():
        if chosen and model not in chosen:
            continue
        rates: dict[int, list[Rate]] = {1: [], 2: []}
        for _ in range(ROUNDS):  # in turn: the machine has other work
            for replicas, found in rates.items():
                found.append(rate(model, options, replicas, models))
        for what, number in (("second", 0), ("second of CPU", 1)):
            one, two = (statistics.median(each[number] for each in rates[replicas]) for replicas in (1, 2))
            spread = [[round(each[number], 1) for each in found] for found in rates.values()]
            print(
                f"{name}, answers a {what}: {one:.1f} and {two:.1f}, {two / one:.2f} x; {spread}", flush=True
            )


def rate(model: str, options: GenerationOptions, replicas: int, models: str) -> Rate:
    """Answers a second, and a second of CPU, in a supervisor of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(f"[models.{model}]\nreplicas = {replicas}\nslots = {SLOTS}\ncontext = 2048\n")
        with Supervised(environment(Path(folder)), config=config, model_cache_dir=models) as supervised:
            with supervised.client() as client:
                list(client.load(model))
                eventually(lambda: [one.state for one in client.status().workers] == ["ready"] * replicas)
            before, began = _cpu(supervised), time.monotonic()
            count = _answers(supervised, model, options)
            return count / (time.monotonic() - began), count / (_cpu(supervised) - before)


def _cpu(supervised: Supervised) -> float:
    """Seconds that all its workers have computed."""
    times = [psutil.Process(pid).cpu_times() for pid in supervised.workers()]
    return sum(one.user + one.system for one in times)


def _answers(supervised: Supervised, model: str, options: GenerationOptions) -> int:
    """How many came, asked by so many at once until the time is over."""
    counts, end = [0] * AT_ONCE, time.monotonic() + SECONDS

    def ask(number: int) -> None:
        with supervised.client() as client:
            while time.monotonic() < end:
                client.ask(f"{PROMPT} {number}", model=model, options=options)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


if __name__ == "__main__":
    main()
