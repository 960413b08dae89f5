"""`ai-pal config edit` and `preset edit`: what the editor leaves is taken when it is right."""

import os
import sys
from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.config import paths, presets


@pytest.fixture
def file(ai_pal_home: Path) -> Path:
    made = paths.config_file()
    made.parent.mkdir(parents=True)
    made.write_text("# mine\nthreads = 2\n")
    return made


def test_what_is_right_is_taken(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "sed -i s/2/3/")
    assert run(["config", "edit"]) == 0
    assert file.read_text() == "# mine\nthreads = 3\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_wrong_changes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISUAL", "sed -i s/threads/threds/")
    assert run(["config", "edit"]) == 7
    assert "did you mean threads?" in capsys.readouterr().err
    assert file.read_text() == "# mine\nthreads = 2\n"


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, 2), ("", 0, 4)])
def test_on_a_terminal_it_can_be_mended_or_dropped(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    script = tmp_path / "editor"  # wrong the first time, right the second
    script.write_text(
        '#!/bin/sh\ngrep -q wrong "$1" && echo "threads = 4" > "$1" || echo "wrong = 1" > "$1"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: answer)
    assert run(["config", "edit"]) == code
    assert f"threads = {left}" in file.read_text()


@pytest.mark.parametrize("command", [["config", "edit"], ["preset", "edit", "p"]])
def test_without_a_terminal_no_editor_is_chosen_for_the_user(
    file: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(command) == 2
    assert "there is no terminal for vi" in capsys.readouterr().err


@pytest.mark.parametrize("editor", ["false", "/no/such/editor", '"'])
def test_an_editor_that_fails_is_told(file: Path, monkeypatch: pytest.MonkeyPatch, editor: str) -> None:
    monkeypatch.setenv("VISUAL", editor)
    assert run(["config", "edit"]) == 2
    assert file.read_text() == "# mine\nthreads = 2\n"


def test_a_preset_can_be_made_in_the_editor(
    ai_pal_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "sed -i s/^#.temperature/temperature/")
    assert run(["preset", "edit", "mine"]) == 0
    assert presets.load_preset("mine").temperature == 0.2
    monkeypatch.setenv("VISUAL", "true")
    assert run(["preset", "edit", "mine"]) == 0
    assert os.listdir(paths.presets_dir()) == ["mine.toml"]
