"""What was typed is taken out of prompt_toolkit's own file."""

from pathlib import Path

from prompt_toolkit.history import FileHistory

from ai_pal.conversations.typed import keep_typed


def test_only_these_texts_and_bare_commands_stay(tmp_path: Path) -> None:
    file = tmp_path / "history"
    history = FileHistory(str(file))
    for entry in (
        "keep",
        "secret\n# not\nthis line",
        "secret",
        "# keep too",
        "/undo",
        "/system a secret",
        "a\u2028b",
        "x\ny",
    ):
        history.append_string(entry)
    file.chmod(0o600)
    keep_typed(file, {" keep ", "# keep too", "a\u2028b", "x\ny"})
    assert list(FileHistory(str(file)).load_history_strings()) == [
        "x\ny",
        "a\u2028b",
        "/undo",
        "# keep too",
        "keep",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


def test_no_file_is_no_error(tmp_path: Path) -> None:
    keep_typed(tmp_path / "history", {"a"})
