"""`ai-pal alias`, `add` and `rm` of names that users gave."""

import json
import tomllib
from pathlib import Path

import pytest

from ai_pal.catalog import default_model, resolve
from ai_pal.cli import run
from ai_pal.config import load_settings, paths
from ai_pal.errors import AiPalError, Code
from tests.gguf_files import gguf

LLAMA: dict[str, object] = {"general.architecture": "llama", "llama.context_length": 512}


@pytest.fixture(autouse=True)
def empty_cache(ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_MODEL_CACHE", str(ai_pal_home / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(ai_pal_home / "hf"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "My Coder 1.5B.Q4_K_M.gguf"
    made.write_bytes(gguf(LLAMA, [("a.weight", 0, 0), ("b.weight", 0, 512)]))
    return made


def models() -> dict[str, dict[str, object]]:
    found = tomllib.loads(paths.config_file().read_text())
    return dict(found.get("models", {}))


def resolved(name: str) -> str:
    return resolve(name, load_settings().settings).path


def test_a_file_gets_a_name_and_stays_where_it_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert run(["add", str(file), "--name", "coder"]) == 0
    assert "ai-pal chat -m coder" in capsys.readouterr().out
    assert models() == {"coder": {"path": str(file)}}
    assert resolved("coder") == str(file)
    assert run(["rm", "coder"]) == 0
    assert f"{file} is left as it is" in capsys.readouterr().out
    assert models() == {}
    assert file.read_bytes() == before
    with pytest.raises(AiPalError) as caught:
        resolved("coder")
    assert caught.value.code == Code.MODEL_NOT_FOUND


def test_the_name_is_that_of_the_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["add", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {
        "name": "My-Coder-1.5B.Q4_K_M", "path": str(file), "engine": "llamacpp",
        "window": {"tokens": 512, "trained": 512},
    }  # fmt: skip
    assert run(["add", str(file)]) == 0  # the same again is fine


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"not a model", 1), (b"GGUF" + bytes(100), 1), (None, 3)],
)
def test_what_no_load_would_take_is_refused(tmp_path: Path, content: bytes | None, code: int) -> None:
    path = tmp_path / "m.gguf"
    if content is not None:
        path.write_bytes(content)
    assert run(["add", str(path)]) == code
    assert not paths.config_file().exists()


def test_a_folder_that_lacks_its_weights_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert run(["add", str(tmp_path)]) == 1
    assert "[model_invalid]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["a/b/c", "a:", "openai:b", "x.gguf", "openai", "auto", "a?b", "-x", "phi-2"]
)
def test_a_name_must_be_free_and_usable_everywhere(file: Path, name: str) -> None:
    assert run(["add", str(file), f"--name={name}"]) == 2
    assert not paths.config_file().exists()


def test_two_files_cannot_have_one_name(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(file.read_bytes())
    assert run(["add", str(file), "--name", "m"]) == 0
    assert run(["add", str(other), "--name", "m"]) == 2
    assert run(["alias", "m", "phi-3"]) == 2
    assert models() == {"m": {"path": str(file)}}


def test_an_alias_stands_for_a_model_wherever_one_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["add", str(file), "--name", "coder"]) == 0
    assert run(["alias", "c", "coder"]) == 0
    assert run(["alias", "wide", "c?context=64"]) == 0
    assert run(["alias", "gpt", "openai:gpt-4"]) == 0
    assert resolved("c") == str(file)
    assert resolve("wide", load_settings().settings).context == 64
    capsys.readouterr()
    assert run(["alias", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "c", "model": "coder"}, {"name": "gpt", "model": "openai:gpt-4"},
        {"name": "wide", "model": "c?context=64"},
    ]  # fmt: skip
    assert run(["list", "--json"]) == 0
    states = {one["name"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert (states["c"], states["gpt"], states["coder"]) == ("here", "elsewhere", "here")
    assert run(["alias", "rm", "gpt"]) == 0
    assert run(["rm", "wide"]) == 0
    assert set(models()) == {"c", "coder"}
    assert file.exists()


def test_an_alias_can_change_its_mind_but_leads_in_no_circle(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alias", "a", "phi-2"]) == 0
    assert run(["alias", "b", "a"]) == 0
    assert run(["alias", "a", "b"]) == 2
    assert run(["alias", "a", "a"]) == 2
    assert run(["alias", "a", "phi-3"]) == 0
    assert "(it was phi-2)" in capsys.readouterr().out
    assert models() == {"a": {"model": "phi-3"}, "b": {"model": "a"}}


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["a", "phi-22"], 3), (["a"], 2), (["a", "b", "c"], 2), (["rm", "nothing"], 3), (["a", "/m.gguf"], 2)],
)
def test_what_is_no_alias_is_refused(argv: list[str], code: int) -> None:
    assert run(["alias", *argv]) == code
    assert not paths.config_file().exists()


def test_a_file_that_was_cut_off_gets_no_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(gguf({"general.architecture": "llama"}, [("a", 0, 0), ("b", 0, 4096)], data=3000))
    assert run(["add", str(file)]) == 1
    assert "it was cut off" in capsys.readouterr().err


def test_a_file_that_is_cut_off_later_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["add", str(file), "--name", "coder"])
    file.write_bytes(gguf(LLAMA, [("a.weight", 0, 0), ("b.weight", 0, 2048)], data=2048 + 200))
    capsys.readouterr()
    assert run(["list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("coder "))
    assert "damaged" in row
    assert run(["show", "coder"]) == 0
    shown = capsys.readouterr().out
    assert "\nstate       damaged\n" in shown
    assert "ends too early: it was cut off\n" in shown
    assert run(["show", str(file)]) == 0
    assert "\nstate       damaged\n" in capsys.readouterr().out


def test_forgetting_a_name_that_settings_use_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["add", str(file), "--name", "coder"])
    run(["config", "set", "local.model", "coder"])
    run(["alias", "c", "coder"])
    assert run(["rm", "coder"]) == 0
    err = capsys.readouterr().err
    assert "the setting local.model still names coder" in err
    assert "the setting models.c.model still names coder" in err


def test_other_settings_of_a_known_model_stay(capsys: pytest.CaptureFixture[str]) -> None:
    run(["config", "set", "models.phi-2.model", "phi-3"])
    run(["config", "set", "models.phi-2.slots", "2"])
    assert run(["rm", "phi-2"]) == 0
    assert models() == {"phi-2": {"slots": 2}}


def test_of_a_known_model_with_no_other_settings_nothing_is_left(tmp_path: Path) -> None:
    run(["config", "set", "models.phi-2.model", "phi-3"])
    assert run(["rm", "phi-2"]) == 0
    assert not models()


def test_a_model_of_ones_own_answers_where_none_is_named(file: Path, tmp_path: Path) -> None:
    assert (
        default_model(load_settings().settings) == "smollm2"
    )  # nothing is here: the starter would be fetched
    run(["add", str(file), "--name", "small"])
    assert default_model(load_settings().settings) == "small"
    larger = tmp_path / "larger.gguf"
    larger.write_bytes(gguf(LLAMA, [(f"{at}.weight", 0, 256 * at) for at in range(6)]))
    run(["add", str(larger)])
    assert default_model(load_settings().settings) == "larger"
    larger.unlink()
    assert default_model(load_settings().settings) == "small"
    run(["config", "set", "local.model", "larger"])  # not here
    assert default_model(load_settings().settings) == "small"


def test_an_alias_that_hides_a_known_model_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alias", "smollm2", "phi-3"]) == 0
    assert "hides the known model" in capsys.readouterr().err
