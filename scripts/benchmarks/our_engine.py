"""Our transformers engine in a process of its own, asked as a worker asks it.

python -m scripts.benchmarks.our_engine FOLDER DTYPE     reads `Asked` objects, writes `Told` ones
"""

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, TokenLogprob
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Generate, LoadModel
from scripts.benchmarks.conversing import Asked, Told
from scripts.benchmarks.streams import Stream, options
from workers.engines.base import ANSWER, OpenPart
from workers.engines.transformers.engine import Transformers


class Sink:
    """Notes when the text of each key came, and waits for ends."""

    def __init__(self) -> None:
        self.arrivals: dict[int, list[float]] = defaultdict(list)
        self.texts: dict[int, str] = defaultdict(str)
        self._ended: dict[int, threading.Event] = defaultdict(threading.Event)

    def step(self) -> None: ...
    def progress(self, fraction: float) -> None: ...
    def logprobs(self, key: int, tokens: list[TokenLogprob]) -> None: ...
    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None: ...
    def watched(self, key: int, entropies: Sequence[float], logprobs: Sequence[float]) -> None: ...
    def probed(self, key: int, entropy: float) -> None: ...
    def trimmed(self, key: int, dropped: int, context: int) -> None: ...
    def reading(self, key: int, done: int, total: int) -> None: ...
    def embedded(self, key: int, vectors: bytes, dimensions: int, usage: Usage) -> None: ...
    def reranked(self, key: int, scores: list[float], usage: Usage) -> None: ...
    def counted(self, key: int, tokens: int) -> None: ...

    def delta(self, key: int, text: str, n: int = 1, part: OpenPart = ANSWER) -> None:
        self.arrivals[key].append(time.perf_counter())
        self.texts[key] += text

    def done(
        self,
        key: int,
        finish_reason: FinishReason,
        usage: Usage,
        prefill: float,
        decode: float,
        stop: str = "",
    ) -> None:
        self._ended[key].set()

    def cancelled(self, key: int, usage: Usage) -> None:
        self._ended[key].set()

    def failed(self, key: int, failure: Failure) -> None:
        sys.stderr.write(f"{failure.message}\n")
        os._exit(1)

    def wait(self, key: int) -> None:
        self._ended[key].wait()


class Engine:
    """Loaded as a worker loads it, with the number of threads it chooses."""

    def __init__(self, folder: str, dtype: str) -> None:
        self.sink = Sink()
        self._engine = Transformers()
        wanted = LoadModel("m", "transformers", folder, options={"dtype": dtype})
        self.ready = self._engine.load(wanted, self.sink)
        self._key = 0

    def tell(self, asked: Asked) -> Told:
        begun = time.perf_counter()
        keys = []
        for conversation in asked.conversations:
            keys.append(self._begin(conversation, asked.tokens))
            if not asked.together:
                self.sink.wait(keys[-1][0])
        for key, _ in keys:
            self.sink.wait(key)
        seconds = time.perf_counter() - begun
        streams = [self._stream(key, at, asked.tokens) for key, at in keys]
        return Told(seconds, streams, [self.sink.texts[key] for key, _ in keys])

    def _begin(self, conversation: list[Message], tokens: int) -> tuple[int, float]:
        self._key += 1
        begun = time.perf_counter()
        self._engine.start(Generate(self._key, conversation, options(tokens)), ())
        return self._key, begun

    def _stream(self, key: int, begun: float, tokens: int) -> Stream:
        first, last = self.sink.arrivals[key][0], self.sink.arrivals[key][-1]
        return Stream(first - begun, (tokens - 1) / (last - first) if last > first else 0.0)


def main() -> None:
    engine = Engine(sys.argv[1], sys.argv[2])
    print(json.dumps({"engine": engine.ready.engine, "threads": engine.ready.threads}), flush=True)
    for line in sys.stdin:
        print(msgspec.json.encode(engine.tell(msgspec.json.decode(line, type=Asked))).decode(), flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)
