"""`ai-pal show` tells what a supervisor would do with the model."""

from pathlib import Path

import pytest

from ai_pal.catalog.inventory.described import described
from ai_pal.catalog.inventory.listed import inventory
from ai_pal.cli import run
from ai_pal.cli.models.show import gather
from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.server.app.references import load_of
from tests.gguf_files import gguf


def test_its_memory_is_what_a_load_reserves_corrected_by_what_was_seen(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" + bytes(50_000_000))
    settings, name = Settings(), f"{file}?context=512"
    load = load_of(name, settings).load
    paths.peaks_file().parent.mkdir(parents=True, exist_ok=True)
    known = LearnedFootprints(paths.peaks_file())
    assert gather(name, settings).memory == known.need(load)
    known.learn(load, 90_000_000, resident=80_000_000)
    assert gather(name, settings).memory == known.need(load) == 90_000_000


def test_what_is_not_here_has_the_catalogs_figure_and_a_pin_is_told() -> None:
    facts = gather("phi-2:q4_k_m", Settings(models={"phi-2:q4_k_m": ModelSettings(pin=True)}))
    assert facts.memory > 3_000_000_000
    assert facts.pinned


def test_replicas_are_told() -> None:
    settings = Settings(models={"echo": ModelSettings(max_replicas=3), "phi-2": ModelSettings(replicas=2)})
    found = {name: gather(name, settings) for name in ("echo", "phi-2", "smollm2")}
    assert [(one.replicas, one.max_replicas) for one in found.values()] == [(1, 3), (2, 2), (1, 1)]
    resolved = load_of("echo", settings)
    assert (resolved.replicas, resolved.most_replicas) == (1, 3)
    counts = resolved.vocabulary
    assert (counts.replicas, counts.most_replicas) == (1, 1)


def test_the_window_is_the_one_that_a_load_gets(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    llama: dict[str, object] = {"general.architecture": "llama", "llama.context_length": 32_768}
    file.write_bytes(gguf(llama, [("a.weight", 0, 0)]))
    usual, asked = gather(str(file), Settings()), gather(f"{file}?context=512", Settings())
    assert (usual.context, usual.trained) == (8192, 32_768)
    assert (asked.context, asked.trained) == (512, 32_768)
    absent = gather("llama3.2", Settings(model_cache_dir=str(tmp_path / "none")))
    assert (absent.context, absent.trained) == (8192, 131_072)


def test_what_a_model_can_is_told_by_the_catalog_or_its_files(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf({"general.architecture": "bert", "bert.pooling_type": 1}, [("a.weight", 0, 0)]))
    assert gather(str(file), Settings()).abilities == ["embed"]
    assert "tools" in (gather("llama3.2", Settings()).abilities or [])
    assert gather("echo", Settings()).abilities is None


def test_what_it_was_made_for_is_what_a_list_says_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ai_pal_home: Path
) -> None:
    for name, can in {
        "qwen3.5:4b": "text, pictures, tools, thinking",
        "nomic-embed-text": "embeddings",
    }.items():
        assert run(["show", name]) == 0
        shown = capsys.readouterr().out
        assert run(["list", "--all"]) == 0
        row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name} "))
        assert f"\ncan         {can}\n" in shown
        assert f"  {can}  " in row


def test_a_file_of_ones_own_tells_what_it_was_made_for_and_what_it_sees_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, eye = tmp_path / "own.gguf", tmp_path / "mmproj-own.gguf"
    entries: dict[str, object] = {
        "general.architecture": "llama",
        "llama.context_length": 32_768,
        "tokenizer.chat_template": "{% if tools %}{% endif %}<think>{{ enable_thinking }}</think>",
    }
    file.write_bytes(gguf(entries, [("a.weight", 0, 0)]))
    eye.write_bytes(gguf({"general.architecture": "clip", "clip.projector_type": "mlp"}, []))
    settings = Settings(models={"own": ModelSettings(path=str(file))}, model_cache_dir=str(tmp_path / "c"))
    facts = gather("own", settings)
    assert (facts.strengths, facts.projector) == (("pictures", "tools", "thinking"), str(eye))
    listed = next(one for one in inventory(settings) if one.name == "own")
    told = described(listed, settings)
    assert (told.memory, told.context, told.strengths) == (facts.memory, 32_768, facts.strengths)
