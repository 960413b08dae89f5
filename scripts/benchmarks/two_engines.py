"""The same model in both engines, for docs/benchmarks.md: 4-bit GGUF in llama.cpp, bf16 in transformers."""

from collections.abc import Iterator

from scripts.benchmarks.figures import Row, alternate, figure, of_medians, row
from scripts.benchmarks.hf_engines import reference
from scripts.benchmarks.streams import fresh, told
from scripts.benchmarks.supervisors import MODEL, supervisor


def side_by_side(pairs: int) -> Iterator[Row]:
    """Speed, first token and memory through one supervisor."""
    bf16 = reference()
    with supervisor() as running, running.client() as client:
        for model in (MODEL, bf16):
            told(client, model, fresh(0, "warm"))
        gguf, hf = alternate(
            pairs,
            lambda n: told(client, MODEL, fresh(n)),
            lambda n: told(client, bf16, fresh(n)),
        )
        memory = {worker.model: worker.memory / 1e6 for worker in client.status().workers}
    speeds = [one.speed for one in gguf], [one.speed for one in hf]
    firsts = [one.first for one in gguf], [one.first for one in hf]
    yield of_medians("llama.cpp q4_1 / transformers bf16, tokens/s", *speeds)
    yield of_medians("  time to the first token", *firsts)
    smaller, larger = memory.pop(MODEL), max(memory.values())
    note = f"{figure(smaller)} MB against {figure(larger)} MB"
    yield row("  resident memory", [smaller / larger], "x", note=note)
