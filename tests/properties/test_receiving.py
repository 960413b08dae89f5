"""Files that are received piece by piece, cut anywhere: whole and equal in the end, and never seen before."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.cluster.landing import FOLDER, landing
from ai_pal.cluster.receiving import Piece, Receiving, Want

contents = st.binary(max_size=200)
cuts = st.lists(st.integers(0, 60), max_size=8)
"""After how many bytes each link is cut; the last one stays."""
fragments = st.integers(1, 50)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def answers(wants: list[Want], data: bytes, most: int) -> Iterator[Piece]:
    """What a giver sends: what was asked for, in pieces of at most `most` bytes."""
    for want in wants:
        end = want.offset + want.count
        for offset in range(want.offset, end, most):
            yield Piece(offset, data[offset : min(offset + most, end)])


def over_one_link(receiving: Receiving, data: bytes, most: int, cut: int | None) -> bytes:
    """What is kept of one link that is cut in the middle of anything after `cut` bytes."""
    kept = b""
    while wants := receiving.wants():
        for piece in answers(wants, data, most):
            if cut is not None and len(kept) + len(piece.data) > cut:
                return kept
            kept += receiving.took(piece)
    return kept


@given(contents, cuts, fragments, st.integers(1, 30), st.integers(1, 4))
def test_a_file_is_whole_however_often_its_link_is_cut(
    data: bytes, cuts: list[int], most: int, piece: int, ahead: int
) -> None:
    receiving, kept = Receiving(len(data), sha256(data), piece, ahead), b""
    for cut in [*cuts, None]:
        kept += over_one_link(receiving, data, most, cut)
        receiving.cut()
    assert (receiving.complete, receiving.whole) == (True, True)
    assert kept == data


@given(contents, st.data())
def test_no_more_is_asked_for_than_may_be_under_way(data: bytes, drawn: st.DataObject) -> None:
    piece, ahead = drawn.draw(st.integers(1, 30)), drawn.draw(st.integers(1, 4))
    receiving, waiting = Receiving(len(data), sha256(data), piece, ahead), 0
    while not receiving.complete:
        wants = receiving.wants()
        waiting += sum(want.count for want in wants)
        assert 0 < waiting < piece * (ahead + 1)
        count = drawn.draw(st.integers(1, waiting))
        receiving.took(Piece(receiving.done, data[receiving.done : receiving.done + count]))
        waiting -= count
    assert receiving.wants() == []


@given(contents.filter(bool), st.integers(0, 199), st.integers(1, 255), fragments)
def test_one_wrong_byte_is_enough(data: bytes, where: int, change: int, most: int) -> None:
    wrong = bytearray(data)
    wrong[where % len(data)] ^= change
    receiving = Receiving(len(data), sha256(data))
    over_one_link(receiving, bytes(wrong), most, None)
    assert (receiving.complete, receiving.whole) == (True, False)


@given(st.integers(0, 40), st.binary(max_size=40))
def test_what_was_not_asked_for_breaks_the_link(offset: int, data: bytes) -> None:
    receiving = Receiving(100, "", piece=10, ahead=2)
    receiving.wants()
    receiving.took(Piece(0, b"0123456789"))
    if offset <= 10 and offset + len(data) <= 20:
        assert len(receiving.took(Piece(offset, data))) == max(0, offset + len(data) - 10)
    else:
        with pytest.raises(ValueError, match="not those that were asked for"):
            receiving.took(Piece(offset, data))


@settings(max_examples=50)
@given(contents, st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=4), fragments)
def test_nothing_half_is_seen_under_its_name(data: bytes, tries: list[tuple[int, bool]], most: int) -> None:
    """Receivers end anywhere, some with what they had kept damaged; then one comes to its end."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.gguf"
        for cut, damaged in tries:
            with landing(target, Path(folder) / FOLDER, len(data), sha256(data)) as place:
                while wants := place.receiving.wants():
                    for piece in answers(wants, data, most):
                        if place.receiving.done + len(piece.data) > cut:
                            break
                        place.take(piece)
                    else:
                        continue
                    break
            kept = Path(folder) / FOLDER / sha256(data)
            if damaged and kept.stat().st_size:
                kept.write_bytes(bytes(byte ^ 1 for byte in kept.read_bytes()))
            assert not target.exists()
        with landing(target, Path(folder) / FOLDER, len(data), sha256(data)) as place:
            for _ in range(2):  # once more where what was kept is wrong
                while wants := place.receiving.wants():
                    for piece in answers(wants, data, most):
                        place.take(piece)
                assert not target.exists()
                if place.publish():
                    break
        assert target.read_bytes() == data
        assert not kept_files(Path(folder))


def kept_files(folder: Path) -> list[Path]:
    return [path for path in (folder / FOLDER).iterdir() if path.is_file()]
