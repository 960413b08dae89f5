"""Our transformers engine against plain `model.generate` and transformers' own continuous batching.

    .venv/bin/python scripts/bench_transformers.py FOLDER [--rounds 5] [--tokens 48] [--dtype ""]

One process, the same model, threads and dtype, rounds taken in turn; prints ratios of medians as JSON.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ai_pal.errors import Failure
from ai_pal.messages.chat import Message, Options, Usage
from ai_pal.messages.worker import Generate, LoadModel
from workers import threads
from workers.engines.transformers import engine as engines

TOGETHER = 8
TURNS = 10
QUESTION = "Tell me about the sea, its ships and its harbours, number {}."
PAGED = 64
"""Blocks of the library's own batching: 16,384 tokens."""


class Sink:
    """Notes when the text of each key came, and waits for ends."""

    def __init__(self) -> None:
        self.arrivals: dict[int, list[float]] = defaultdict(list)
        self.texts: dict[int, str] = defaultdict(str)
        self._ended: dict[int, threading.Event] = defaultdict(threading.Event)

    def step(self) -> None: ...
    def progress(self, fraction: float) -> None: ...
    def trimmed(self, key: int, dropped: int, context: int) -> None: ...

    def delta(self, key: int, text: str, n: int = 1) -> None:
        self.arrivals[key].append(time.perf_counter())
        self.texts[key] += text

    def done(self, key: int, finish_reason: str, usage: Usage, prefill: float, decode: float) -> None:
        self._ended[key].set()

    def cancelled(self, key: int, usage: Usage) -> None:
        self._ended[key].set()

    def failed(self, key: int, failure: Failure) -> None:
        raise SystemExit(failure.message)

    def wait(self, key: int) -> None:
        self._ended[key].wait()


class Ours:
    """The engine, asked as a worker asks it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.sink = Sink()
        self._engine = engines.Transformers()
        options = {"dtype": arguments.dtype}
        spec = LoadModel("m", "transformers", str(arguments.folder), arguments.threads, options=options)
        self.ready = self._engine.load(spec, self.sink)
        self._tokens = arguments.tokens
        self._keys: Iterator[int] = iter(range(1, 1_000_000))

    def begin(self, messages: list[Message], tokens: int = 0) -> tuple[int, float]:
        key = next(self._keys)
        options = Options(temperature=0.0, max_tokens=tokens or self._tokens, extra={"ignore_eos": True})
        begun = time.perf_counter()
        self._engine.generate(Generate(key, messages, options))
        return key, begun

    def one(self, messages: list[Message], tokens: int = 0) -> tuple[float, float, str]:
        """Seconds to the first token, tokens per second after it, the text."""
        key, begun = self.begin(messages, tokens)
        self.sink.wait(key)
        first, last = self.sink.arrivals[key][0], self.sink.arrivals[key][-1]
        speed = ((tokens or self._tokens) - 1) / max(last - first, 1e-9)
        return first - begun, speed, self.sink.texts[key]

    def many(self, conversations: list[list[Message]], together: bool) -> float:
        """Seconds for all."""
        begun = time.perf_counter()
        keys = []
        for messages in conversations:
            keys.append(self.begin(messages)[0])
            if not together:
                self.sink.wait(keys[-1])
        for key in keys:
            self.sink.wait(key)
        return time.perf_counter() - begun


class Library:
    """transformers alone."""

    def __init__(self, arguments: argparse.Namespace, dtype: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._torch, self._tokens = torch, arguments.tokens
        self._tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
        self._model = AutoModelForCausalLM.from_pretrained(arguments.folder, dtype=getattr(torch, dtype))
        self._manager: Any = None

    def generate(self, messages: list[Message]) -> tuple[float, float]:
        """Seconds to the first token, tokens per second after it."""
        begun = time.perf_counter()
        self._run(messages, 1)
        first = time.perf_counter()
        self._run(messages, self._tokens)
        whole = time.perf_counter() - first
        return first - begun, (self._tokens - 1) / (whole - (first - begun))

    def batched(self, conversations: list[list[Message]]) -> float:
        """Seconds for all, with the library's continuous batching, which is started once."""
        manager = self._manager = self._manager or self._start()
        begun = time.perf_counter()
        for messages in conversations:
            ids = self._ids(messages)["input_ids"][0].tolist()
            manager.add_request(ids, max_new_tokens=self._tokens, streaming=True)
        left = len(conversations)
        while left:
            result = manager.get_result(timeout=60)
            left -= bool(result.is_finished())
        return time.perf_counter() - begun

    def _start(self) -> Any:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        # No token has this id: answers go on to their full length.
        generation = GenerationConfig(do_sample=False, max_new_tokens=self._tokens, eos_token_id=-1)
        config = ContinuousBatchingConfig(num_blocks=PAGED, max_batch_tokens=256, use_cuda_graph=False)
        manager = self._model.init_continuous_batching(generation, config)
        manager.start()
        return manager

    def _ids(self, messages: list[Message]) -> Any:
        plain = [{"role": one.role, "content": one.content} for one in messages]
        return self._tokenizer.apply_chat_template(
            plain, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )

    def _run(self, messages: list[Message], tokens: int) -> None:
        self._model.generate(
            **self._ids(messages), do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--dtype", default="")
    arguments = parser.parse_args()
    arguments.threads = arguments.threads or threads.default_count()
    ours = Ours(arguments)
    dtype = "float32" if "fp32" in ours.ready.engine else "bfloat16"
    library = Library(arguments, dtype)
    figures: dict[str, list[float]] = defaultdict(list)
    for number in range(arguments.rounds):
        measure(ours, library, number, figures)
    for number in range(arguments.rounds):  # at the end: the library's batching does not rest in between
        measure_batches(ours, library, number, figures)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print(
        json.dumps({"engine": ours.ready.engine, "threads": ours.ready.threads, **summary(medians)}, indent=1)
    )
    os._exit(0)  # the library's batching leaves a thread behind


def measure(ours: Ours, library: Library, number: int, figures: dict[str, list[float]]) -> None:
    """One round of everything, each round with texts of its own."""
    plain_first, plain_speed = library.generate(conversation(f"plain {number}"))
    first, speed, _ = ours.one(conversation(f"{number} plain"))
    many = [conversation(f"{number}-{index}") for index in range(TOGETHER)]
    other = [conversation(f"{index}-{number}") for index in range(TOGETHER)]
    figures["generate_first"].append(plain_first)
    figures["generate_speed"].append(plain_speed)
    figures["first"].append(first)
    figures["speed"].append(speed)
    figures["together"].append(ours.many(many, together=True))
    figures["one_by_one"].append(ours.many(other, together=False))
    firsts = turns(ours, number)
    figures["turn_1"].append(firsts[0])
    figures["turn_10"].append(firsts[-1])


def measure_batches(ours: Ours, library: Library, number: int, figures: dict[str, list[float]]) -> None:
    many = [conversation(f"{number}.{index}") for index in range(TOGETHER)]
    other = [conversation(f"{index}.{number}") for index in range(TOGETHER)]
    figures["batch"].append(ours.many(many, together=True))
    figures["library_batch"].append(library.batched(other))


def turns(ours: Ours, number: int) -> list[float]:
    """Seconds to the first token of each turn of one conversation."""
    messages = [Message("system", f"You are guide {number}.")]
    firsts = []
    for turn in range(TURNS):
        messages.append(Message("user", QUESTION.format(turn)))
        first, _, text = ours.one(messages, tokens=16)
        messages.append(Message("assistant", text))
        firsts.append(first)
    return firsts


def conversation(name: str) -> list[Message]:
    return [Message("system", f"You are guide {name}."), Message("user", QUESTION.format(name))]


def summary(medians: dict[str, float]) -> dict[str, float]:
    ratios = {
        "decode_ratio": medians["speed"] / medians["generate_speed"],
        "first_token_ratio": medians["first"] / medians["generate_first"],
        "together_gain": medians["one_by_one"] / medians["together"],
        "turn_10_ratio": medians["turn_10"] / medians["turn_1"],
        "library_batch_ratio": medians["library_batch"] / medians["batch"],
    }
    return {name: round(value, 3) for name, value in (ratios | medians).items()}


if __name__ == "__main__":
    main()
