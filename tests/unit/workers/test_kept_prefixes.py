"""The files of kept prefixes: bounded, whole or gone, and only where a conversation is kept."""

import os
from pathlib import Path

import pytest

from workers import kept_prefixes
from workers.kept_prefixes import KeptPrefixes
from workers.template_clock import Begun

ONE, OTHER = "1" * 32, "2" * 32
TOKENS = [5, -1, 70_000]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for mark in (ONE, OTHER):
        (tmp_path / mark).mkdir()
    return tmp_path


def keep(files: KeptPrefixes, mark: str, data: bytes) -> bool:
    draft = files.begin(mark, len(data))
    if draft is None:
        return False
    os.write(draft.handle, data)
    return files.finish(draft, TOKENS)


def content(files: KeptPrefixes, mark: str) -> bytes | None:
    handle = files.open(mark)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def test_what_is_kept_comes_back_with_its_tokens(root: Path) -> None:
    files = KeptPrefixes(root, 100, "a")
    assert keep(files, ONE, b"state")
    assert keep(files, ONE, b"newer")
    assert list(files.tokens(ONE) or []) == TOKENS
    assert content(files, ONE) == b"newer"
    assert files.tokens(OTHER) is None


def test_the_time_that_was_told_comes_back_with_it(root: Path) -> None:
    files = KeptPrefixes(root, 100, "a")
    draft = files.begin(ONE, 5)
    assert draft is not None
    os.write(draft.handle, b"state")
    assert files.finish(draft, TOKENS, Begun(1.0, 2.0))
    assert files.begun(ONE) == Begun(1.0, 2.0)
    assert keep(files, ONE, b"newer")
    assert files.begun(ONE) is files.begun(OTHER) is None


def test_another_model_knows_nothing_of_it(root: Path) -> None:
    keep(KeptPrefixes(root, 100, "a"), ONE, b"state")
    assert KeptPrefixes(root, 100, "b").tokens(ONE) is None
    assert content(KeptPrefixes(root, 100, "a"), ONE) == b"state"


def test_where_the_conversation_has_gone_nothing_is_begun_or_finished(root: Path) -> None:
    files = KeptPrefixes(root, 100, "a")
    draft = files.begin(ONE, 5)
    assert draft is not None
    os.write(draft.handle, b"state")
    (root / ONE).rename(root / "gone")
    assert not files.finish(draft, TOKENS)
    assert not files.is_wanted(ONE)
    assert files.begin(ONE, 5) is None
    assert not (root / ONE).exists()


def test_the_least_recently_used_makes_room(root: Path) -> None:
    files = KeptPrefixes(root, 10, "a")
    keep(files, ONE, b"12345")
    keep(files, OTHER, b"12345")
    os.utime(root / ONE / "a.about", (2e9, 2e9))
    os.utime(root / OTHER / "a.about", (1e9, 1e9))
    (root / "3").mkdir()
    assert keep(files, "3", b"12345")
    assert (content(files, ONE), content(files, OTHER)) == (b"12345", None)


@pytest.mark.parametrize("size", [11, 20])
def test_what_is_larger_than_the_limit_pushes_nobody_out(root: Path, size: int) -> None:
    files = KeptPrefixes(root, 10, "a")
    keep(files, OTHER, b"12345")
    assert not keep(files, ONE, bytes(size))
    draft = files.begin(ONE, 1)
    assert draft is not None
    os.write(draft.handle, bytes(size))
    assert not files.finish(draft, TOKENS)
    assert content(files, OTHER) == b"12345"
    assert list((root / ONE).iterdir()) == []


def test_a_disk_that_is_nearly_full_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_prefixes, "LEFT_FREE", 1 << 60)
    assert KeptPrefixes(root, 100, "a").begin(ONE, 5) is None


@pytest.mark.parametrize("harm", ["link", "longer", "no state", "no about", "other bytes"])
def test_what_is_not_whole_is_removed(root: Path, harm: str) -> None:
    files = KeptPrefixes(root, 100, "a")
    keep(files, ONE, b"state")
    state, about = root / ONE / "a.state", root / ONE / "a.about"
    match harm:
        case "link":
            state.rename(root / "elsewhere")
            state.symlink_to(root / "elsewhere")
        case "longer":
            state.write_bytes(b"state and more")
        case "no state":
            state.unlink()
        case "no about":
            about.unlink()
        case "other bytes":
            state.write_bytes(b"STATE")
    assert content(files, ONE) is None
    assert list((root / ONE).iterdir()) == []


def test_what_a_killed_worker_left_goes_with_the_next_one_that_is_kept(root: Path) -> None:
    left, other = root / OTHER / "a-1.part", root / OTHER / ".tmpabc"
    left.write_bytes(b"half")
    other.write_bytes(b"half")
    os.utime(other, (1e9, 1e9))
    fresh = root / OTHER / "a-2.part"
    fresh.write_bytes(b"half")
    os.utime(left, (1e9, 1e9))
    keep(KeptPrefixes(root, 100, "a"), ONE, b"state")
    assert not left.exists()
    assert not other.exists()
    assert fresh.exists()
