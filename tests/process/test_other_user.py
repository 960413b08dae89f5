"""Another user of this machine cannot drive the supervisor (promise 12)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.process.eventually import eventually
from tests.process.supervised import Supervised

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user"),
]

NOBODY = 65534

TRY = """
import json, os, socket, sys
import msgpack, zmq
path = sys.argv[1]
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(path)
except OSError as error:
    sys.exit(print(json.dumps({"errno": error.errno})))
dealer = zmq.Context().socket(zmq.DEALER)
dealer.linger = 0
if len(sys.argv) > 2:
    dealer.identity = sys.argv[2].encode()
dealer.connect("ipc://" + path)
chat = {"type": "chat", "id": 1, "messages": [{"role": "user", "content": "x"}]}
dealer.send_multipart([msgpack.packb({"type": "hello", "protocol": 2}), msgpack.packb(chat)])
seconds = 1 if len(sys.argv) > 2 else 60  # one of no name is told why
heard = [msgpack.unpackb(frame) for frame in dealer.recv_multipart()] if dealer.poll(seconds * 1000) else []
print(json.dumps({"heard": heard}))
os._exit(0)
"""


def as_nobody(path: Path, identity: str = "") -> dict[str, Any]:
    """What a process of another user gets when it knocks."""
    command = [sys.executable, "-c", TRY, str(path), *filter(None, [identity])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def open_to_all(daemon: Supervised) -> None:
    """Take away the protection of the directory, to see the next one."""
    for folder in (daemon.run_dir.parent, daemon.run_dir):
        folder.chmod(0o755)
    for name in ("front.sock", "workers.sock"):
        (daemon.run_dir / name).chmod(0o777)


@pytest.mark.parametrize("name", ["front.sock", "workers.sock"])
def test_the_directory_keeps_others_out(daemon: Supervised, name: str) -> None:
    daemon.run_dir.parent.chmod(0o755)
    assert as_nobody(daemon.run_dir / name) == {"errno": 13}


@pytest.mark.parametrize("name", ["front.sock", "workers.sock"])
def test_the_sockets_alone_keep_others_out(daemon: Supervised, name: str) -> None:
    open_to_all(daemon)
    (daemon.run_dir / name).chmod(0o700)
    assert as_nobody(daemon.run_dir / name) == {"errno": 13}


def test_who_gets_through_is_refused_by_the_endpoint(daemon: Supervised) -> None:
    open_to_all(daemon)
    heard = as_nobody(daemon.run_dir / "front.sock")["heard"]
    assert [event["type"] for event in heard] == ["failed"]
    assert heard[0]["reasons"][0]["code"] == "not_owner"
    with daemon.client() as client:
        assert client.status().clients == 1
        assert client.ask("still here").text == "still here "


def test_a_stranger_cannot_pose_as_a_worker(daemon: Supervised) -> None:
    open_to_all(daemon)
    with daemon.client() as client:
        list(client.load("echo"))
        name = eventually(lambda: daemon.logged("worker_phase", phase="ready"))[-1]["worker"]
        for identity in ("stranger.0.1", name):
            assert as_nobody(daemon.run_dir / "workers.sock", identity) == {"heard": []}
        eventually(lambda: daemon.logged("stranger_on_worker_socket", worker="stranger.0.1"))
        assert client.ask("still here").text == "still here "


def test_sockets_and_directory_are_for_the_owner_only(daemon: Supervised) -> None:
    with daemon.client() as client:
        list(client.load("echo"))
    for path in (daemon.run_dir, *daemon.run_dir.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
