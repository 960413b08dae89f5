"""The run directory: one holder, stale sockets cleared, nobody's file touched."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.transport.listening import listens
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.run_files import FRONT, LOCK, WORKERS, front_endpoint, holder, may_leave


def stale_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))


def refused(folder: Path) -> str:
    with pytest.raises(AiPalError) as caught:
        RunDirectory.acquire(folder)
    return caught.value.code


def test_only_one_holds_it(ai_pal_home: Path) -> None:
    with RunDirectory.acquire(ai_pal_home):
        assert refused(ai_pal_home) == Code.SUPERVISOR_RUNNING
    with RunDirectory.acquire(ai_pal_home) as again:
        assert again.front == front_endpoint(ai_pal_home)


def test_a_stale_socket_is_no_obstacle(ai_pal_home: Path) -> None:
    for name in (FRONT, WORKERS):
        stale_socket(ai_pal_home / name)
    with RunDirectory.acquire(ai_pal_home):
        assert not list(ai_pal_home.glob("*.sock"))


@pytest.mark.parametrize("name", [FRONT, WORKERS])
def test_a_file_in_the_way_is_refused_and_stays_untouched(ai_pal_home: Path, name: str) -> None:
    (ai_pal_home / name).write_text("precious")
    assert refused(ai_pal_home) == Code.SOCKET_PATH_BLOCKED
    assert (ai_pal_home / name).read_text() == "precious"


def test_a_refusal_does_not_keep_the_lock(ai_pal_home: Path) -> None:
    (ai_pal_home / FRONT).write_text("precious")
    refused(ai_pal_home)
    (ai_pal_home / FRONT).unlink()
    with RunDirectory.acquire(ai_pal_home):
        pass


def test_a_second_start_leaves_the_sockets_of_the_first(ai_pal_home: Path) -> None:
    with RunDirectory.acquire(ai_pal_home):
        stale_socket(ai_pal_home / FRONT)
        refused(ai_pal_home)
        assert (ai_pal_home / FRONT).is_socket()


def test_nothing_but_the_lock_is_left_behind(ai_pal_home: Path) -> None:
    with RunDirectory.acquire(ai_pal_home) as held:
        os.close(held.listen(FRONT))
    assert [path.name for path in ai_pal_home.iterdir()] == [LOCK]


def test_the_lock_says_whether_its_holder_leaves_when_asked(ai_pal_home: Path) -> None:
    for auto_started in (True, False):
        with RunDirectory.acquire(ai_pal_home, auto_started=auto_started):
            assert may_leave(ai_pal_home) is auto_started


def test_a_lock_that_is_a_link_is_not_followed(ai_pal_home: Path) -> None:
    target = ai_pal_home / "target"
    target.write_text("precious")
    (ai_pal_home / LOCK).symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        RunDirectory.acquire(ai_pal_home)
    assert target.read_text() == "precious"


@pytest.fixture
def folder(ai_pal_home: Path) -> Path:
    """A run directory that can be swept whole."""
    made = ai_pal_home / "run"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def held(folder: Path) -> Iterator[RunDirectory]:
    """A run directory with both sockets, as a supervisor holds it."""
    with RunDirectory.acquire(folder) as held:
        listeners = [held.listen(FRONT), held.listen(WORKERS)]
        yield held
    for listener in listeners:
        os.close(listener)


def sockets_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir() if path.is_socket()}


def test_whole_sockets_only_and_nothing_else(held: RunDirectory, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [FRONT, LOCK, WORKERS]
    assert all(listens(folder / name) for name in (FRONT, WORKERS))
    assert not held.lost()


@pytest.mark.parametrize("name", [FRONT, WORKERS, LOCK])
def test_what_is_gone_or_another_file_is_noticed(held: RunDirectory, folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert held.lost() == (name,)
    if name == LOCK:
        (folder / name).touch()
    else:
        stale_socket(folder / name)
    assert held.lost() == (name,)
    assert holder(folder) == (None if name == LOCK else os.getpid())


def test_of_a_swept_folder_all_is_lost_and_made_again(held: RunDirectory, folder: Path) -> None:
    shutil.rmtree(folder)
    assert held.lost() == (FRONT, WORKERS, LOCK)
    again = [held.listen(name) for name in held.lost() if name != LOCK]
    assert not held.lost()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert refused(folder) == Code.SUPERVISOR_RUNNING
    assert holder(folder) == os.getpid()
    for listener in again:
        os.close(listener)


def test_one_that_is_swept_while_it_starts_makes_its_folder_again(folder: Path) -> None:
    with RunDirectory.acquire(folder) as held:
        shutil.rmtree(folder)
        os.close(held.listen(FRONT))
        assert not held.lost()
        assert refused(folder) == Code.SUPERVISOR_RUNNING


def test_the_lock_of_another_is_not_taken(held: RunDirectory, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    with RunDirectory.acquire(folder) as other:
        os.close(other.listen(FRONT))
        with pytest.raises(AiPalError) as caught:
            held.secure()
        assert caught.value.code == Code.SUPERVISOR_RUNNING
        assert not other.lost()


def test_the_end_removes_only_what_it_made(folder: Path) -> None:
    first = RunDirectory.acquire(folder)
    listeners = [first.listen(FRONT), first.listen(WORKERS)]
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    with RunDirectory.acquire(folder) as second:
        listeners += [second.listen(FRONT), second.listen(WORKERS)]
        before = sockets_in(folder)
        first.release()
        assert sockets_in(folder) == before
        assert holder(folder) == os.getpid()
    assert [path.name for path in folder.iterdir()] == [LOCK]
    for listener in listeners:
        os.close(listener)


def test_who_lost_only_its_lock_is_not_overrun(held: RunDirectory, folder: Path) -> None:
    before = sockets_in(folder)
    (folder / LOCK).unlink()
    assert refused(folder) == Code.SUPERVISOR_RUNNING
    held.secure()
    assert not held.lost()
    assert sockets_in(folder) == before


@pytest.mark.parametrize("name", [FRONT, WORKERS])
def test_a_file_in_the_place_of_a_swept_socket_stays(held: RunDirectory, folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).write_text("precious")
    with pytest.raises(AiPalError) as caught:
        held.listen(name)
    assert caught.value.code == Code.SOCKET_PATH_BLOCKED
    assert (folder / name).read_text() == "precious"


def test_a_temporary_one_goes_with_its_holder(folder: Path) -> None:
    RunDirectory.acquire(folder, temporary=True).release()
    assert not folder.exists()


def test_a_temporary_one_leaves_the_lock_of_another(folder: Path) -> None:
    first = RunDirectory.acquire(folder, temporary=True)
    (folder / LOCK).unlink()
    with RunDirectory.acquire(folder):
        first.release()
        assert (folder / LOCK).exists()


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b'{"pid": "x"}'])
def test_an_unreadable_lock_names_nobody(ai_pal_home: Path, content: bytes) -> None:
    (ai_pal_home / LOCK).write_bytes(content)
    assert holder(ai_pal_home) is None
