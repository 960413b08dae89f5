"""`ai-pal list`, `pull` and `config` as a user types them."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ai_pal.cli import run


@pytest.fixture(autouse=True)
def empty_cache(ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_MODEL_CACHE", str(ai_pal_home / "models"))


@pytest.fixture
def config(ai_pal_home: Path) -> Path:
    path = ai_pal_home / "config/ai-pal/config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_list_names_the_command_that_fetches_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("smollm2"))
    assert "not here" in row
    assert "98 MB" in row
    assert row.endswith("ai-pal pull smollm2")


def test_list_shows_what_is_here_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    out = capsys.readouterr().out
    assert "phi-2" not in out
    assert "more models can be fetched by name: ai-pal list --all" in out


def test_list_all_groups_by_what_fits_this_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_pal.catalog.choosing.machine.free_memory", lambda _settings: 7_000_000_000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=16_000_000_000))
    assert run(["list", "--all"]) == 0
    now, alone, never = capsys.readouterr().out.split("\n\n")[1:4]
    assert now.startswith("fit now (7.0 GB of memory is free):")
    assert "\nqwen3.5:4b " in now
    assert alone.startswith("fit when other")
    assert "\nqwen3.5:9b " in alone
    assert never.startswith("need more than this machine has (16.0 GB):")
    assert "\ngpt-oss:20b " in never
    row = next(line for line in now.splitlines() if line.startswith("qwen3.5:4b "))
    assert all(fact in row for fact in ("pictures, tools, thinking", "3.6 GB", "256K"))


def test_list_all_as_json_has_what_is_only_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--all", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert models["qwen3.5:4b"]["state"] == "not here"
    assert models["qwen3.5:4b"]["strengths"] == ["pictures", "tools", "thinking"]


def test_list_shows_what_is_called_like_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "SMOLLM"]) == 0
    assert "smollm2" in capsys.readouterr().out
    assert run(["list", "--all", "qwen3*:4b"]) == 0
    out = capsys.readouterr().out
    assert "\nqwen3.5:4b " in out
    assert "qwen3:8b" not in out
    assert run(["list", "qwen3.6"]) == 0
    assert "2 more models can be fetched by name: ai-pal list --all qwen3.6" in capsys.readouterr().out
    assert run(["list", "nosuch"]) == 1
    assert "ai-pal search nosuch" in capsys.readouterr().err


def test_a_setting_that_names_a_model_which_nobody_knows_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("model", "local.model", "preload", "models.mine.model"):
        assert run(["config", "set", key, "smollm3"]) == 3
        assert "smollm2?" in capsys.readouterr().err
    assert not config.exists()
    for name in ("qwen3.5:4b", "org/name:Q4_K_M", "openai:gpt-9", "ollama:whatever"):
        assert run(["config", "set", "model", name]) == 0
    assert run(["config", "set", "model", "mine", "models.mine.model", "phi-3", "preload", "phi-2,mine"]) == 0


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert models["smollm2"]["licence"] == "Apache-2.0"
    assert "echo" not in models  # a test engine is no model of users


def test_a_model_of_ones_own_that_is_gone_cannot_be_pulled(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[models.mine]\npath = "/nowhere/x.gguf"\n')
    assert run(["list"]) == 0
    assert "ai-pal pull mine" not in capsys.readouterr().out


def test_pulling_an_unknown_model_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "smolm"]) == 3
    err = capsys.readouterr().err
    assert "[model_not_found]" in err
    assert "hint: did you mean smol" in err


def test_pulling_a_built_in_model_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "echo"]) == 1
    assert "nothing to pull" in capsys.readouterr().err


def test_config_show_tells_where_values_come_from(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('keep_alive = "10m"\n')
    monkeypatch.setenv("AI_PAL_THREADS", "2")
    assert run(["config", "show"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["keep_alive", "10m", "config.toml:1"] in shown
    assert ["threads", "2", "AI_PAL_THREADS"] in shown
    assert ["slots", "0", "default"] in shown


def test_config_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["keep_alive"]["value"] == 300
    assert shown["keep_alive"]["origin"] == "default"
    assert "stays loaded" in shown["keep_alive"]["about"]


def test_config_get_prints_what_is_in_force(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('[models."llama3.2"]\ncontext = 4096\n[ollama.models]\n"phi-2" = "phi"\n')
    monkeypatch.setenv("AI_PAL_KEEP_ALIVE", "7m")
    for key, said in {
        "keep_alive": "7m",
        "models.llama3.2.context": "4096",
        'models."llama3.2".context': "4096",
        "ollama.models.phi-2": "phi",
    }.items():
        assert run(["config", "get", key]) == 0
        assert capsys.readouterr().out == f"{said}\n"
    assert run(["config", "get", "models.phi-2.context"]) == 1
    assert capsys.readouterr() == ("", "models.phi-2.context is not set\n")
    assert run(["config", "get", "keep_alive", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["origin"] == "AI_PAL_KEEP_ALIVE"


def test_a_name_with_a_dot_is_written_as_toml_does(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "set", "models.llama3.2.context", "4096"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == 'models."llama3.2".context = 4096'
    assert run(["config", "show"]) == 0
    assert ['models."llama3.2".context', "4096"] in [
        line.split()[:2] for line in capsys.readouterr().out.splitlines()
    ]
    assert run(["config", "unset", "models.llama3.2"]) == 0
    assert config.read_text() == ""


def test_config_path_prints_the_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{config}\n"


def test_a_typo_in_the_config_ends_every_command_with_its_place(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("\nkeep_alve = 5\n")
    assert run(["list"]) == 7
    err = capsys.readouterr().err
    assert f"{config}:2: unknown setting 'keep_alve'" in err
    assert "did you mean keep_alive?" in err


def test_a_file_that_is_not_read_because_the_model_is_here_is_told(
    starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for _ in range(2):
        assert run(["pull", "--from", str(starter_model), "smollm2"]) == 0
        said.append("smollm2 is here already and whole" in capsys.readouterr().err)
    assert said == [False, True]


@pytest.mark.parametrize(
    "args", [["rm", "--yes", ""], ["rm", " "], ["pull", ""], ["pull", "--from", "x", ""]]
)
def test_an_empty_name_means_no_model(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(args) == 2
    assert "no model is named" in capsys.readouterr().err


def test_a_file_cannot_stand_in_for_a_model_that_is_no_single_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["pull", "--from", str(tmp_path / "m.gguf"), "qwen3.5:4b"]) == 1
    assert "ai-pal add FILE" in capsys.readouterr().err
