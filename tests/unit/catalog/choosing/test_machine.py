"""What the choice of a variant knows of this machine: the same free memory that loads are admitted by."""

import os
from pathlib import Path

import psutil
import pytest

from ai_pal.catalog import CATALOG, choose
from ai_pal.catalog.choosing import machine
from ai_pal.catalog.choosing.machine import capacity_here, free_memory
from ai_pal.config import Settings, paths
from ai_pal.memory import Claims
from ai_pal.memory.promises import PromiseFile, published
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy

GB = 1_000_000_000


class Free:
    def __init__(self, free: int) -> None:
        self._free = free

    def free(self) -> int:
        return self._free

    def pressure(self) -> float:
        return 0.0


@pytest.fixture
def with_free(monkeypatch: pytest.MonkeyPatch) -> object:
    return lambda free: monkeypatch.setattr(machine, "_memory", lambda: Free(free))


def test_with_4_gb_free_phi_2_gets_a_variant_that_may_be_loaded(with_free: object) -> None:
    with_free(4 * GB)  # type: ignore[operator]
    settings = Settings()
    found = choose(
        CATALOG["phi-2"].variants, capacity_here(settings)._replace(installed=frozenset({"llamacpp"}))
    )
    assert found.variant.name == "q4_k_m"
    assert found.variant.memory <= 4 * GB - settings.memory_low


def test_the_budget_and_what_stays_free_count(with_free: object) -> None:
    with_free(8 * GB)  # type: ignore[operator]
    assert free_memory(Settings(memory_low=GB)) == 7 * GB
    assert free_memory(Settings(memory_low=GB, memory_budget=3 * GB)) == 3 * GB
    assert free_memory(Settings(memory_low=9 * GB)) == 0


def test_what_is_promised_to_loads_is_not_free(with_free: object) -> None:
    with_free(8 * GB)  # type: ignore[operator]
    paths.ledger_file().parent.mkdir(parents=True, exist_ok=True)
    ledger = PromiseFile(paths.ledger_file())
    ledger.enter()
    ledger.leave(Claims(taken=GB, promised=2 * GB))
    assert free_memory(Settings(memory_low=0)) == 6 * GB
    assert free_memory(Settings(memory_low=0, memory_budget=4 * GB)) == GB
    ledger.close()
    assert free_memory(Settings(memory_low=0)) == 8 * GB


def test_it_is_the_figure_that_admission_has(with_free: object) -> None:
    with_free(8 * GB)  # type: ignore[operator]
    settings = Settings(memory_low=GB, memory_budget=5 * GB)
    admission = Admission(Free(8 * GB), None, None, MemoryPolicy(settings.memory_budget, settings.memory_low))  # type: ignore[arg-type]
    assert admission._room(0, Claims()) == free_memory(settings)


def test_rows_of_the_dead_and_damaged_ledgers_claim_nothing(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    assert published(file) == Claims()
    file.write_text("[{")
    assert published(file) == Claims()
    started = psutil.Process(os.getpid()).create_time()
    file.write_text(f'[{{"pid": {os.getpid()}, "started": {started - 60}, "claims": {{"taken": 5}}}}]')
    assert published(file) == Claims()


@pytest.mark.parametrize(
    ("gpus", "cpu_build", "quantizes"),
    [((), False, True), (("/dev/null",), False, False), (("/dev/null",), True, True)],
)
def test_8_and_4_bits_are_there_wherever_torch_runs_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, gpus: tuple[str, ...], cpu_build: bool, quantizes: bool
) -> None:
    monkeypatch.setattr(machine, "GPUS", gpus)
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "bitsandbytes" else object())
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.13.0+cpu" if cpu_build else "2.13.0")
    monkeypatch.setattr("sys.platform", "linux")
    assert ("quantize" in machine.installed.__wrapped__()) is quantizes
