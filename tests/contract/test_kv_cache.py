"""llama.cpp's cache in fewer bits: it answers, saves as much memory as was estimated, or is refused."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ai_pal.errors import Code
from ai_pal.memory.estimates.estimate import estimate
from ai_pal.protocol.option_rules import KvCache
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import GenerationDone, LoadFailed, LoadModel, Ready
from tests.tiny_gguf import save
from tests.worker_driver import WorkerDriver

pytestmark = pytest.mark.real_model

GREEDY = GenerationOptions(temperature=0.0, max_tokens=24)
QUESTION = "What is the capital of France?"
CONTEXT = 4096
KINDS: tuple[KvCache | None, ...] = (None, "f16", "q8_0", "q4_0")


@contextmanager
def loaded(load: LoadModel) -> Iterator[tuple[WorkerDriver, Ready | LoadFailed]]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder)) as driver:
        yield driver, driver.load(load)


def spec(model: Path, kind: KvCache | None) -> LoadModel:
    return LoadModel("m", "llamacpp", str(model), context=CONTEXT, kv_cache=kind)


def private(driver: WorkerDriver) -> int:
    """Bytes of memory that are no file's."""
    lines = Path(f"/proc/{driver.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024


def test_fewer_bits_answer_in_less_memory_as_estimated(starter_model: Path) -> None:
    texts, taken, estimated = {}, {}, {}
    for kind in KINDS:
        load = spec(starter_model, kind)
        estimated[kind] = estimate(load).total
        with loaded(load) as (driver, ready):
            assert isinstance(ready, Ready), ready
            answer = driver.ask(1, QUESTION, GREEDY)
            assert isinstance(answer.end, GenerationDone), answer.end
            texts[kind], taken[kind] = answer.text, private(driver)
    assert texts["f16"] == texts[None]
    assert estimated["f16"] == estimated[None]
    for kind in ("q8_0", "q4_0"):
        assert "Paris" in texts[kind]
        saved, expected = taken["f16"] - taken[kind], estimated["f16"] - estimated[kind]
        assert saved == pytest.approx(expected, rel=0.25), kind


def test_heads_that_cannot_be_packed_are_refused_with_what_to_do(tmp_path: Path) -> None:
    model = save(tmp_path / "m.gguf", "bytes")
    with loaded(LoadModel("m", "llamacpp", str(model), kv_cache="q8_0")) as (_, failed):
        assert isinstance(failed, LoadFailed)
        assert failed.failure.code == Code.CONFIG_INVALID
        assert "packs 32 together" in failed.failure.message
        assert "f16" in failed.failure.hint
