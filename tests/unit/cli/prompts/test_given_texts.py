"""Texts that commands work on: arguments, files, lines."""

import argparse
import io
import sys
from pathlib import Path

import pytest

from ai_pal.cli.prompts.given_texts import GivenText, add_texts, given_texts
from ai_pal.errors import AiPalError, Code
from tests.pictures import png


def given(monkeypatch: pytest.MonkeyPatch, *argv: str, stdin: bytes = b"") -> list[GivenText]:
    parser = argparse.ArgumentParser()
    add_texts(parser)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
    return given_texts(parser.parse_args(argv))


@pytest.fixture
def notes(tmp_path: Path) -> str:
    (tmp_path / "notes.txt").write_text("One.\n\nThree.\n")
    return str(tmp_path / "notes.txt")


def test_arguments_come_before_files(monkeypatch: pytest.MonkeyPatch, notes: str) -> None:
    found = given(monkeypatch, "Zero.", "-f", notes)
    assert found == [GivenText("Zero."), GivenText("One.\n\nThree.\n", "notes.txt")]
    assert [one.line for one in found] == ["Zero.", "notes.txt: One. Three."]


def test_each_line_can_be_a_text(monkeypatch: pytest.MonkeyPatch, notes: str) -> None:
    found = [GivenText("One.", "notes.txt:1"), GivenText("Three.", "notes.txt:3")]
    assert given(monkeypatch, "--lines", "-f", notes) == found


def test_standard_input_has_a_text_in_each_line(monkeypatch: pytest.MonkeyPatch, notes: str) -> None:
    assert given(monkeypatch, stdin=b"a\n\nb\n") == [GivenText("a"), GivenText("b")]
    assert given(monkeypatch, "-f", "-", stdin=b"a\nb\n") == [GivenText("a\nb\n")]
    assert given(monkeypatch, "-f", "-", "--lines", stdin=b"a\nb\n") == [GivenText("a"), GivenText("b")]
    assert given(monkeypatch, "c", stdin=b"a\n") == [GivenText("c")]


@pytest.mark.parametrize(("argv", "stdin"), [([], b""), ([], b" \n"), ([""], b""), (["-f", "-"], b"")])
def test_no_text_is_told(monkeypatch: pytest.MonkeyPatch, argv: list[str], stdin: bytes) -> None:
    with pytest.raises(AiPalError) as refused:
        given(monkeypatch, *argv, stdin=stdin)
    assert refused.value.code == Code.EMPTY_PROMPT


def test_a_picture_is_no_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(AiPalError, match="is a PNG image, 2 x 2, 1 kB, and texts are wanted"):
        given(monkeypatch, "-f", str(tmp_path / "a.png"))
