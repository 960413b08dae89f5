"""The run directory: one holder, stale sockets cleared, nobody's file touched."""

import socket
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.transport.run_directory import (
    FRONT,
    LOCK,
    WORKERS,
    RunDirectory,
    front_endpoint,
    holder,
    may_leave,
)


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
    with RunDirectory.acquire(ai_pal_home):
        stale_socket(ai_pal_home / FRONT)
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


@pytest.mark.parametrize("content", [b"", b"junk", b"[]", b'{"pid": "x"}'])
def test_an_unreadable_lock_names_nobody(ai_pal_home: Path, content: bytes) -> None:
    (ai_pal_home / LOCK).write_bytes(content)
    assert holder(ai_pal_home) is None
