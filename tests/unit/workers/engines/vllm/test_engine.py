"""Answers of vLLM's that are cancelled are told as that, wherever in a piece of one its connection ends; a
count is that of the prompt that would be asked."""

import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CompleteText, CountTokens
from workers.engines.base import Sink
from workers.engines.unix_http import Asker
from workers.engines.vllm.engine import Vllm, _Counter

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


class Words:
    """vLLM, whose tokens are letters."""

    def ask(self, _: str, body: dict[str, Any]) -> dict[str, int]:
        texts = [one["content"] for one in body.get("messages", ())] or [body["prompt"]]
        return {"count": sum(map(len, texts))}


@pytest.mark.parametrize(("trim", "counted"), [(None, 7 + 8), (False, 307 + 8)])
def test_a_count_is_of_the_turns_that_stay_and_of_what_the_answer_begins_with(
    trim: bool | None, counted: int
) -> None:
    turns = [Message("user", "q" * 200), Message("assistant", "a" * 100), Message("user", "and now")]
    told = queue.Queue[int]()

    class Counts(Told):
        def counted(self, _: int, tokens: int) -> None:
            told.put(tokens)

    engine, asker = Vllm(), cast("Asker", Words())
    engine._sink, engine._asker, engine._context = cast("Sink", Counts()), asker, 200
    engine._counter = _Counter(asker)
    engine.start(CountTokens(1, turns, GenerationOptions(prefill="It is so", trim=trim)), [])
    assert told.get(timeout=DEADLINE) == counted
