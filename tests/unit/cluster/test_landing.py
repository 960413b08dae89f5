"""A received file in its folder: one receiver at a time, and nothing wrong under its name."""

import fcntl
import hashlib
import os
import time
from pathlib import Path

import pytest

from ai_pal.cluster.landing import FOLDER, KEPT_SECONDS, landing, sweep
from ai_pal.cluster.receiving import Piece
from ai_pal.errors import AiPalError, Code

DATA = b"weights" * 1000
HASH = hashlib.sha256(DATA).hexdigest()


def test_two_never_receive_the_same_file(tmp_path: Path) -> None:
    second = landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH)
    with landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH), pytest.raises(AiPalError) as caught:
        second.__enter__()
    assert caught.value.failure.code == Code.OVERLOADED
    assert caught.value.failure.retryable
    with landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH):
        pass


def test_who_comes_next_goes_on_from_what_is_there(tmp_path: Path) -> None:
    with landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH) as place:
        place.receiving.wants()
        place.take(Piece(0, DATA[:3000]))
    with landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH) as place:
        (want,) = place.receiving.wants()
        assert (want.offset, want.count) == (3000, 4000)
        place.take(Piece(3000, DATA[3000:]))
        assert place.publish()
    assert (tmp_path / "model").read_bytes() == DATA


def test_a_wrong_hash_is_refused_and_what_came_is_thrown_away(tmp_path: Path) -> None:
    with landing(tmp_path / "model", tmp_path / FOLDER, len(DATA), HASH) as place:
        place.receiving.wants()
        place.take(Piece(0, DATA[::-1]))
        assert place.receiving.complete
        assert not place.publish()
        assert not (tmp_path / "model").exists()
        assert place.receiving.done == 0
        place.receiving.wants()
        place.take(Piece(0, DATA))
        assert place.publish()
    assert (tmp_path / "model").read_bytes() == DATA


def test_what_was_published_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the file while another still received it must not get that one, which is in its place by
    the time that the lock is free."""
    place, real = tmp_path / "model", fcntl.flock
    with landing(place, tmp_path / FOLDER, len(DATA), HASH) as first:
        first.receiving.wants()
        first.take(Piece(0, DATA[:10]))

    def published(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        os.rename(tmp_path / FOLDER / HASH, place)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", published)
    with landing(place, tmp_path / FOLDER, len(DATA), HASH) as later:
        later.receiving.wants()
        later.take(Piece(later.receiving.done, b"other"))
    assert place.read_bytes() == DATA[:10]


def test_what_nobody_goes_on_with_is_removed_after_long(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "unused").mkdir()
    (tmp_path / "unused" / "a.gguf").write_bytes(b"whole")
    for name in ("old", "unused"):
        os.utime(tmp_path / name, (0, time.time() - KEPT_SECONDS - 1))
    sweep(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["new"]
