"""What was typed is taken out of prompt_toolkit's own file."""

from pathlib import Path

from prompt_toolkit.history import FileHistory

from ai_pal.cli.chatting.typed import forget_typed


def test_only_the_entries_with_these_texts_go(tmp_path: Path) -> None:
    file = tmp_path / "history"
    history = FileHistory(str(file))
    for entry in ("keep", "secret\n# no comment\nsecond line", "secret", "# keep too", "a\u2028b"):
        history.append_string(entry)
    file.chmod(0o600)
    forget_typed(file, {"secret\n# no comment\nsecond line", " secret "})
    assert list(FileHistory(str(file)).load_history_strings()) == ["a\u2028b", "# keep too", "keep"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


def test_no_file_is_no_error(tmp_path: Path) -> None:
    forget_typed(tmp_path / "history", {"a"})
