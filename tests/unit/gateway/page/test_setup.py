"""Settings of a model and presets as pages write them: into the files of the terminal, and nothing else."""

from pathlib import Path

import pytest

from ai_pal.config import load_settings, paths, presets
from ai_pal.errors import AiPalError
from ai_pal.gateway.page import model_settings, page_presets
from ai_pal.gateway.page.log import logged
from ai_pal.gateway.page.model_settings import Own
from ai_pal.gateway.page.page_presets import Sampling, Saved


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.setenv("AI_PAL_CONFIG", str(tmp_path / "config.toml"))
    return tmp_path


def test_what_a_model_has_of_its_own_is_written_read_and_taken_out_again() -> None:
    paths.config_file().write_text('# mine\n[models."q:4b"]\nkv_cache = "q8_0"  # stays\n')
    model_settings.change(
        Own("q:4b", context=8192, threads=2, keep_alive="10m", pin=True, temperature=0.2, top_k=1)
    )
    own = load_settings().settings.models["q:4b"]
    assert (own.temperature, own.top_k, own.top_p) == (0.2, 1, None)
    assert (own.context, own.threads, own.slots, own.keep_alive, own.pin) == (8192, 2, None, 600.0, True)
    told = model_settings.told("q:4b")
    said = {"context": 8192, "threads": 2, "keep_alive": "10m", "pin": True, "temperature": 0.2, "top_k": 1}
    assert {name: value for name, value in told["own"].items() if value is not None} == said
    assert "temperature" not in told["usual"], "that is the affair of its makers"
    assert told["usual"]["keep_alive"] == "5m"
    model_settings.change(Own("q:4b"))
    assert paths.config_file().read_text() == '# mine\n[models."q:4b"]\nkv_cache = "q8_0"  # stays\n'


def test_what_is_no_setting_changes_nothing() -> None:
    for bad in (Own("m", context=-1), Own("m", keep_alive="soon"), Own("", threads=1)):
        with pytest.raises(AiPalError):
            model_settings.change(bad)
    assert not paths.config_file().exists()


def test_a_preset_keeps_what_the_page_does_not_know() -> None:
    presets.write_text("p", 'model = "phi-2"\ntemperature = 0.5\n')
    page_presets.save(Saved("p", "Be brief.", Sampling(top_k=3)))
    found = presets.load_preset("p")
    assert (found.model, found.temperature, found.top_k, found.system) == ("phi-2", None, 3, "Be brief.")
    assert page_presets.told("p")["sampling"]["top_k"] == 3
    with pytest.raises(AiPalError):
        page_presets.save(Saved("p", "", Sampling(temperature=-1.0)))
    page_presets.save(Saved("p", delete=True))
    assert presets.names() == []


def test_the_log_is_told_in_its_parts_and_does_nothing(home: Path) -> None:
    folder = home / "logs"
    folder.mkdir()
    line = '{"event": "went", "level": "warning", "timestamp": "2026-01-01T00:00:00Z", "why": "a\\u001bb c"}'
    (folder / "supervisor.log").write_text(f"{line}\nTraceback\x1b[1m\n")
    first, second = logged(folder)["lines"]
    assert (first["level"], first["event"], first["fields"]) == ("warning", "went", 'why="a\\u001bb c"')
    assert second == {"at": "", "level": "", "event": "Traceback\u241b[1m", "fields": ""}
    assert logged(home)["lines"] == []
