"""A supervisor that speaks protocol 1 is replaced when it is idle and left alone otherwise.

Stood in for by a ROUTER that says what that version says."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from ai_pal.client import older
from ai_pal.errors import AiPalError, Code

WELCOME = {
    "type": "welcome",
    "protocol": 1,
    "version": "0.1.0",
    "pid": 77,
    "auto_started": True,
    "features": ["chat", "load", "status", "pull", "route", "providers", "reading", "fingerprint"],
    "uptime": 5.0,
}


UNASKED = {"only_background": True, "only_if_idle": True}


class Older:
    """`busy` refuses a stop that is not insisted on."""

    def __init__(self, endpoint: str, **welcome: Any) -> None:
        self.endpoint, self.welcome, self.busy, self.heard = (
            endpoint,
            WELCOME | welcome,
            False,
            list[dict[str, Any]](),
        )
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.bind(endpoint)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while self._socket.poll(20_000):
            client, *frames = self._socket.recv_multipart()
            for frame in frames:
                request = msgpack.unpackb(frame)
                self.heard.append(request)
                self._socket.send_multipart([client, msgpack.packb(self._answer(request))])
                if request["type"] == "stop" and not self._refuses(request):
                    self._socket.close(200)
                    return

    def _refuses(self, request: dict[str, Any]) -> bool:
        return self.busy and bool(request.get("only_if_idle"))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["type"] == "hello" and request["protocol"] == 1:
            return self.welcome
        if request["type"] == "stop" and not self._refuses(request):
            return {"type": "stopping", "id": request["id"]}
        code = "model_busy" if request["type"] == "stop" else "protocol_mismatch"
        return {"type": "failed", "id": 0, "reasons": [{"code": code, "message": "no"}]}

    def close(self) -> None:
        if not self._socket.closed:
            last: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
            with last:
                last.linger = 1000
                last.connect(self.endpoint)
                last.send(msgpack.packb({"type": "stop", "id": 1}))
                self._thread.join(30)
        self._thread.join(30)
        self._context.destroy(linger=0)


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/s"


@pytest.fixture
def running(endpoint: str) -> Iterator[Older]:
    there = Older(endpoint)
    yield there
    there.close()


def test_an_idle_one_in_the_background_is_stopped(running: Older, endpoint: str) -> None:
    assert older.stop(endpoint, **UNASKED, gone_within=10.0).pid == 77
    assert [request["type"] for request in running.heard] == ["hello", "stop"]
    assert running.heard[1]["only_if_idle"] is True


def test_a_busy_one_stays_until_somebody_insists(running: Older, endpoint: str) -> None:
    running.busy = True
    with pytest.raises(AiPalError, match="busy") as error:
        older.stop(endpoint, **UNASKED)
    assert error.value.code == Code.PROTOCOL_MISMATCH
    assert older.stop(endpoint).pid == 77


def test_one_in_the_foreground_is_not_taken_away(running: Older, endpoint: str) -> None:
    running.welcome = running.welcome | {"auto_started": False}
    with pytest.raises(AiPalError, match="foreground"):
        older.stop(endpoint, **UNASKED)
    assert [request["type"] for request in running.heard] == ["hello"]
