"""What is gone for good is asked about, and needs `--yes` where nobody can be asked."""

import argparse
import io
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.cli import build_parser, run
from ai_pal.cli.terminal import failures
from ai_pal.config import paths, presets
from ai_pal.config.presets import Preset
from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations


class _Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_model(home: Path) -> Callable[[], bool]:
    from ai_pal.catalog import CATALOG

    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    file = home / "models" / artifact.file
    file.parent.mkdir(parents=True)
    with file.open("wb") as out:
        out.truncate(artifact.size)
    return file.exists


def a_conversation(home: Path) -> Callable[[], bool]:
    def there() -> bool:
        with closing(Conversations(paths.store_file())) as store:
            return bool(store.heads())

    with closing(Conversations(paths.store_file())) as store:
        store.begin("About the sea", [Message(role="user", content="x", at=1.0)], now=1.0)
    return there


def a_preset(home: Path) -> Callable[[], bool]:
    presets.save_fields("brief", Preset(seed=1), ())
    return lambda: presets.names() == ["brief"]


DESTRUCTIVE = {
    "rm smollm2": (a_model, "remove smollm2 (98 MB)?"),
    "history delete 1": (a_conversation, "delete 1 (About the sea)?"),
    "history delete --all": (a_conversation, "delete all of 1 conversation, and what was typed there?"),
    "preset rm brief": (a_preset, "remove the preset brief?"),
}


@pytest.fixture(params=DESTRUCTIVE)
def line(request: pytest.FixtureRequest, ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AI_PAL_MODEL_CACHE", str(ai_pal_home / "models"))
    return str(request.param)


def test_nobody_to_ask_is_no_yes(line: str, ai_pal_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, question = DESTRUCTIVE[line]
    still_there = make(ai_pal_home)
    assert run(line.split()) == failures.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert question in said.err
    assert "hint: say --yes" in said.err
    assert still_there()
    assert run([*line.split(), "--yes"]) == failures.OK
    assert not still_there()


@pytest.mark.parametrize(
    ("typed", "code", "stays"),
    [("\n", failures.FAILED, True), ("", failures.FAILED, True), ("y\n", failures.OK, False)],
)
def test_at_a_terminal_only_a_yes_is_one(
    line: str,
    ai_pal_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    stays: bool,
) -> None:
    make, question = DESTRUCTIVE[line]
    still_there, shown = make(ai_pal_home), _Typed()
    monkeypatch.setattr(sys, "stdin", _Typed(typed))
    monkeypatch.setattr(sys, "stderr", shown)
    assert run(line.split()) == code
    assert shown.getvalue().startswith(f"{question} [y/N] ")
    assert still_there() is stays


def test_what_does_not_exist_is_said_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("rm phi-2", "history delete 7", "preset rm nothing"):
        assert run(words.split()) == failures.MODEL_MISSING
    assert "--yes" not in capsys.readouterr().err


def test_whatever_removes_takes_a_yes() -> None:
    """Names and settings ask nothing: one command brings them back."""
    parsers = commands(build_parser())
    removing = {name for name in parsers if name.split()[-1] in ("rm", "delete", "remove")}
    assert removing == {"rm", "history delete", "preset rm", "keys rm", "machines remove"}
    assert all("--yes" in parsers[name]._option_string_actions for name in removing)


def commands(parser: argparse.ArgumentParser, above: str = "") -> dict[str, argparse.ArgumentParser]:
    """Every command and action with its parser."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found |= {f"{above}{name}": below, **commands(below, f"{above}{name} ")}
    return found
