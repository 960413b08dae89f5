"""transformers alone in a process of its own: `model.generate`, and its continuous batching.

python -m scripts.benchmarks.library FOLDER DTYPE THREADS     reads `Asked` objects, writes `Told` ones
"""

import json
import os
import sys
import time
from typing import Any

import msgspec

from ai_pal.protocol.content import Message
from scripts.benchmarks.conversing import Asked, Told
from scripts.benchmarks.streams import Stream

PAGED = 64
"""Blocks of the library's own batching: 16,384 tokens."""

NO_TOKEN = -1
"""No token has this id: answers go on to their full length."""


class Streamer:
    """Notes when each token came; the first call brings the prompt."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []

    def put(self, tokens: Any) -> None:
        self.arrivals.append(time.perf_counter())

    def end(self) -> None: ...


class Library:
    def __init__(self, folder: str, dtype: str, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
        if torch.cuda.is_available():
            self._model.to("cuda")
        self._manager: Any = None

    def tell(self, asked: Asked) -> Told:
        begun = time.perf_counter()
        if asked.together:
            self._batched(asked)
            return Told(time.perf_counter() - begun)
        streams = [self._generated(conversation, asked.tokens) for conversation in asked.conversations]
        return Told(time.perf_counter() - begun, streams)

    def _generated(self, conversation: list[Message], tokens: int) -> Stream:
        streamer, begun = Streamer(), time.perf_counter()
        inputs = self._tokenizer.apply_chat_template(
            _plain(conversation), add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self._model.device)
        self._model.generate(
            **inputs, do_sample=False, max_new_tokens=tokens, eos_token_id=NO_TOKEN, streamer=streamer
        )
        first, last = streamer.arrivals[1], streamer.arrivals[-1]
        return Stream(first - begun, (tokens - 1) / (last - first) if last > first else 0.0)

    def _batched(self, asked: Asked) -> None:
        manager = self._manager = self._manager or self._start(asked.tokens)
        for conversation in asked.conversations:
            inputs = self._tokenizer.apply_chat_template(
                _plain(conversation), add_generation_prompt=True, return_dict=True
            )
            manager.add_request(list(inputs["input_ids"]), max_new_tokens=asked.tokens, streaming=True)
        left = len(asked.conversations)
        while left:
            result = manager.get_result(timeout=60)
            left -= bool(result.is_finished())

    def _start(self, tokens: int) -> Any:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        generation = GenerationConfig(do_sample=False, max_new_tokens=tokens, eos_token_id=NO_TOKEN)
        config = ContinuousBatchingConfig(num_blocks=PAGED, max_batch_tokens=256, use_cuda_graph=False)
        manager = self._model.init_continuous_batching(generation, config)
        manager.start()
        return manager


def _plain(conversation: list[Message]) -> list[dict[str, str]]:
    return [{"role": one.role, "content": one.text} for one in conversation]


def main() -> None:
    library = Library(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        print(msgspec.json.encode(library.tell(msgspec.json.decode(line, type=Asked))).decode(), flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)  # the library's batching leaves a thread behind
