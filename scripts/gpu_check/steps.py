"""What is looked at, one function a step. As a program it plays one and prints its rows as JSON.

python -m scripts.gpu_check.steps STEP DEVICE FOLDER GGUF
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec

from ai_pal.client import Client
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks import hf_engines, models
from scripts.benchmarks.conversing import ask
from scripts.benchmarks.estimates import FIRST_LITTLE, FIRST_MUCH, LEFT_MB, fill, wait_gone
from scripts.benchmarks.figures import Row, row, skipped
from scripts.benchmarks.streams import fresh, through
from scripts.benchmarks.supervisors import Supervisor, supervisor
from scripts.gpu_check.gauges import gauge_of
from scripts.gpu_check.reference import generated

QUESTION = [Message("system", ""), Message("user", "What is the capital of France?")]
ANSWER = "Paris"
GREEDY = GenerationOptions(temperature=0.0, max_tokens=24)
TOKENS, TOKENS_ON_CPU = 64, 12
SERVE_SECONDS = 40.0
"""Until `transformers serve` is up; without it the others are compared."""
CONTEXT, CONTEXT_ON_CPU = 4096, 512
FILLED = 0.8
LEFT_ON_CARD_MB = 64.0
"""A driver keeps a little for a while."""


class Where(NamedTuple):
    """The device, and a model for each engine."""

    device: str
    folder: Path
    gguf: Path

    def reference(self, path: Path, **options: object) -> str:
        """The model on this device, in a window that is soon filled."""
        context = CONTEXT_ON_CPU if self.device == "cpu" else CONTEXT
        said = {"context": context, "device": self.device} | options
        return f"{path}?{'&'.join(f'{name}={value}' for name, value in said.items())}"


class Step(NamedTuple):
    """What is played, and the seconds that it may take."""

    play: Callable[[Where], Iterator[Row]]
    seconds: float


def transformers(where: Where) -> Iterator[Row]:
    """greedy text against `generate`, memory against the estimate, what an unload leaves"""
    expected = generated(where.folder, where.device, QUESTION, GREEDY.max_tokens or 0)
    yield from _looked_at(where, where.reference(where.folder, dtype="float32"), expected)


def llamacpp(where: Where) -> Iterator[Row]:
    """greedy text against the CPU's, half of the layers, speed, memory, what an unload leaves"""
    on_cpu = where._replace(device="cpu").reference(where.gguf)
    with _supervised() as running, running.client() as client:
        expected = _answer(client, on_cpu)
        yield row("says Paris on the CPU", [float(ANSWER in expected)], at_least=1.0, note=expected)
        yield row("speed on the CPU", [through(client, on_cpu, 1).speed], "tokens/s")
        client.unload(on_cpu)
        if where.device != "cpu":
            half = where.reference(where.gguf, gpu_layers=8)
            yield row(
                "greedy text of 8 layers there", [float(_answer(client, half) == expected)], at_least=1.0
            )
            client.unload(half)
            there = where.reference(where.gguf)
            _answer(client, there)
            yield row("speed", [through(client, there, 1).speed], "tokens/s")
    yield from _looked_at(where, where.reference(where.gguf), expected)


def speed(where: Where) -> Iterator[Row]:
    """tokens per second of transformers: ours, `generate`, `transformers serve`"""
    models.SAFETENSORS = where.folder
    tokens = TOKENS_ON_CPU if where.device == "cpu" else TOKENS
    with hf_engines.ours() as ours:
        threads = int(ours.hello["threads"])
        mine = _second([ask(ours, [fresh(at)], tokens).streams[0].speed for at in range(2)])
        yield row("ours", mine, "tokens/s", note=str(ours.hello["engine"]))
        with hf_engines.library(ours) as library:
            theirs = _second([ask(library, [fresh(at)], tokens).streams[0].speed for at in range(2)])
        yield row("generate", theirs, "tokens/s")
        yield row("ours / generate", [mine[0] / theirs[0]], "x")
    if not hf_engines.can_serve():
        yield skipped("transformers serve", "it is not installed")
        return
    try:
        with hf_engines.transformers_serve(threads, start_seconds=SERVE_SECONDS) as server:
            served = _second([server.answer(fresh(at), tokens).speed for at in range(2)])
    except RuntimeError as error:
        yield skipped("transformers serve", str(error).splitlines()[0])
        return
    yield row("transformers serve", served, "tokens/s")
    yield row("ours / transformers serve", [mine[0] / served[0]], "x")


def _second(speeds: list[float]) -> list[float]:
    """The first answer wakes things up."""
    return speeds[1:]


def four_bits(where: Where) -> Iterator[Row]:
    """weights in 4 bits: the answer, memory against the estimate, what an unload leaves"""
    if where.device != "cpu" and find_spec("bitsandbytes") is None:
        yield skipped("4 bits", "bitsandbytes is not installed")
        return
    yield from _looked_at(where, where.reference(where.folder, quantize="4bit"), "")


STEPS = {
    "llama.cpp": Step(llamacpp, 80.0),
    "transformers": Step(transformers, 90.0),
    "speed": Step(speed, 120.0),
    "4bit": Step(four_bits, 60.0),
}


def _supervised() -> AbstractContextManager[Supervisor]:
    return supervisor(spare_worker="false", memory_low="0")


def _looked_at(where: Where, reference: str, expected: str) -> Iterator[Row]:
    """Load, ask, fill the window, unload; without an `expected` text the answer need only be right."""
    gauge = gauge_of(where.device)
    with _supervised() as running, running.client() as client:
        home = Path(running.environ["AI_PAL_HOME"])
        estimate, before = gauge.estimate(reference, home), gauge.used(running)
        begun = time.perf_counter()
        list(client.load(reference))
        yield row("load", [time.perf_counter() - begun], "s")
        [worker] = client.status().workers
        said = _answer(client, reference)
        right = said == expected if expected else ANSWER in said
        note = "" if right else f"{said!r} instead of {expected or ANSWER!r}"
        yield row("greedy text is right", [float(right)], at_least=1.0, note=note)
        fill(client, reference, worker, FILLED)
        taken = gauge.taken(running, worker, before)
        yield row("memory", [taken / 1e6], "MB")
        yield row("estimate / memory", [estimate / max(taken, 1)], at_least=FIRST_LITTLE, at_most=FIRST_MUCH)
        client.unload(reference)
        wait_gone(running)
        left = max(0, gauge.used(running) - before) / 1e6
        most = LEFT_MB * 4 if where.device == "cpu" else LEFT_ON_CARD_MB
        yield row("left after unload", [left], "MB", at_most=most)


def _answer(client: Client, reference: str) -> str:
    return client.ask(QUESTION, model=reference, options=GREEDY).text


def main() -> None:
    name, device, folder, gguf = sys.argv[1:]
    for found in STEPS[name].play(Where(device, Path(folder), Path(gguf))):
        print(msgspec.json.encode(found).decode(), flush=True)


if __name__ == "__main__":
    main()
