"""Folders for what models have read: made with a conversation, gone with it."""

import os
import stat
from pathlib import Path

import pytest

from ai_pal.config import paths
from ai_pal.conversations.prefixes import GONE, PrefixFolders, new_mark

ONE, OTHER = "1" * 32, "2" * 32


@pytest.fixture
def folders(tmp_path: Path) -> PrefixFolders:
    made = PrefixFolders(tmp_path / "ai-pal.db")
    for mark in (ONE, OTHER):
        made.make(mark)
        (tmp_path / "prefixes" / mark / "a.state").write_bytes(b"what was read")
    return made


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "prefixes").iterdir()}


def test_workers_and_conversations_mean_the_same_folder(tmp_path: Path) -> None:
    assert paths.prefixes_dir() == paths.store_file().with_name("prefixes")


def test_they_are_the_owners_alone(folders: PrefixFolders, tmp_path: Path) -> None:
    for folder in (tmp_path / "prefixes", tmp_path / "prefixes" / ONE):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_one_goes_with_all_that_is_in_it(folders: PrefixFolders, tmp_path: Path) -> None:
    folders.remove(ONE)
    folders.remove(ONE)
    folders.remove("")
    assert names(tmp_path) == {OTHER}
    folders.remove_all()
    assert names(tmp_path) == set()


def test_a_removal_that_broke_off_is_ended_by_a_sweep(folders: PrefixFolders, tmp_path: Path) -> None:
    root = tmp_path / "prefixes"
    (root / ONE).rename(root / f"{GONE}{ONE}")
    folders.sweep({OTHER})
    assert names(tmp_path) == {OTHER}


def test_a_sweep_takes_what_is_nobodys_and_old(folders: PrefixFolders, tmp_path: Path) -> None:
    root = tmp_path / "prefixes"
    folders.make("3" * 32)
    os.utime(root / ONE, (1e9, 1e9))
    os.utime(root / OTHER, (1e9, 1e9))
    folders.sweep({OTHER})
    assert names(tmp_path) == {OTHER, "3" * 32}


def test_marks_differ() -> None:
    marks = {new_mark() for _ in range(100)}
    assert len(marks) == 100
    assert {len(mark) for mark in marks} == {32}
