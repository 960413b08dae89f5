"""An answer of vLLM's that is cancelled is told as that, wherever in a piece of it its connection ends."""

import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from ai_pal.protocol.worker import CompleteText
from workers.engines.base import Sink
from workers.engines.unix_http import Asker
from workers.engines.vllm import Vllm

DEADLINE = 20.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices": [{"index": 0, "text": "word"}]}\n\n'
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)


class Told:
    """A sink that notes what it is told, by name."""

    def __init__(self) -> None:
        self.what = queue.Queue[str]()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.what.put(name)


@pytest.mark.parametrize("cut", [0, 1, 7, len(CHUNK) - 1])
def test_a_cancelled_answer_is_told_as_cancelled(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        def answer() -> None:
            connection, _ = door.accept()
            connection.recv(1 << 16)
            connection.sendall(HEAD + CHUNK + CHUNK[:cut])
            while connection.recv(1 << 16):
                pass  # until it is cut
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        engine, told = Vllm(), Told()
        engine._sink, engine._asker = cast("Sink", told), Asker(path, "")
        engine.start(CompleteText(1, "x"), [])
        assert [told.what.get(timeout=DEADLINE) for _ in range(2)] == ["step", "delta"]
        engine.cancel(1)
        while (end := told.what.get(timeout=DEADLINE)) in ("step", "delta"):
            pass
        assert end == "cancelled"
