"""One blocking client for several threads: each has its own answers, and nobody waits for another's."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import Client, core
from ai_pal.client import turns as turns_module
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from tests.contract.scripted_supervisor import ScriptedSupervisor

THREADS = 8


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[ScriptedSupervisor]:
    with ScriptedSupervisor(tmp_path) as supervisor:
        yield supervisor


@pytest.fixture
def client(supervisor: ScriptedSupervisor) -> Iterator[Client]:
    with Client(supervisor.endpoint) as client:
        yield client


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as threads:
        yield threads


def echo(request: Any) -> Iterable[wire.AnyEvent]:
    """Says what it is asked, word by word."""
    if isinstance(request, wire.Chat):
        for n, word in enumerate(request.messages[0].text.split()):
            yield wire.Delta(request.id, n, 1, f"{word} ")
        yield wire.Done(request.id)


def code(result: "Future[Any]") -> str:
    error = result.exception(60)
    assert isinstance(error, AiPalError), error
    return error.code


def on_hold(client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor) -> "Future[Any]":
    """A thread that waits for an answer which does not come."""
    asking = threads.submit(client.ask, "nothing")
    supervisor.until(lambda asked: any(isinstance(one, wire.Chat) for one in asked))
    return asking


def test_each_thread_hears_its_own_answers(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor
) -> None:
    supervisor.script = echo
    together = threading.Barrier(THREADS)

    def ask(number: int) -> None:
        together.wait(60)
        for turn in range(50):
            words = f"{number} asks {turn} "
            assert client.ask(words).text == words

    for asking in [threads.submit(ask, number) for number in range(THREADS)]:
        asking.result(60)
    assert len({one.id for one in supervisor.of(wire.Chat)}) == THREADS * 50


def test_nobody_waits_for_the_answer_of_another(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor
) -> None:
    supervisor.script = lambda request: echo(request) if request.id > 1 else ()
    asking = on_hold(client, supervisor, threads)
    assert client.ask("at once").text == "at once "
    assert not client.lost
    assert not asking.done()
    client.close()
    assert code(asking) == Code.CLIENT_CLOSED


def test_when_the_reader_has_what_it_waits_for_another_reads(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor
) -> None:
    held: list[wire.Chat] = []

    def script(request: Any) -> Iterable[wire.AnyEvent]:
        """All are answered with the last of them, and each later only when the one before has been left."""
        if isinstance(request, wire.Chat):
            held.append(request)
            if len(held) == THREADS:
                yield from echo(held[0])
        if isinstance(request, wire.Cancel):
            yield from echo(held[request.id])

    supervisor.script = script
    asking = {}
    for number in range(THREADS):
        asking[number] = threads.submit(client.ask, f"number {number}")
        supervisor.until(lambda asked: sum(isinstance(one, wire.Chat) for one in asked) == len(asking))
    for number in range(THREADS):
        assert asking[number].result(60).text == f"number {number} "
        if number + 1 < THREADS:
            client.cancel(number + 1)  # an index into `held` here


def test_what_one_has_read_of_another_is_there_when_it_looks(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor
) -> None:
    supervisor.script = echo
    first = client.chat("one two")
    assert threads.submit(client.ask, "three").result(60).text == "three "
    assert first.answer().text == "one two "


@pytest.mark.parametrize("end", ["close", "leave"])
def test_all_that_wait_hear_of_the_end(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor, end: str
) -> None:
    asking = [threads.submit(client.ask, "nothing") for _ in range(3)]
    gone = threads.submit(client.wait_gone, 60.0)
    supervisor.until(lambda asked: sum(isinstance(one, wire.Chat) for one in asked) == 3)
    ending: Callable[[], None] = client.close if end == "close" else supervisor.leave
    ending()
    wanted = Code.CLIENT_CLOSED if end == "close" else Code.SUPERVISOR_LOST
    assert [code(one) for one in asking] == [wanted] * 3
    assert gone.result(60)
    with pytest.raises(AiPalError) as caught:
        client.status()
    assert caught.value.code == wanted


def test_a_supervisor_that_says_nothing_is_given_up_by_all(
    client: Client,
    supervisor: ScriptedSupervisor,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(core, "SILENCE", 0.2)
    asking = [threads.submit(client.ask, "nothing") for _ in range(3)]
    assert {code(one) for one in asking} == {Code.SUPERVISOR_SILENT}
    # It was asked for a word before, and may be about to hear it.
    supervisor.until(lambda asked: any(isinstance(one, wire.Status) for one in asked))


def test_a_thread_keeps_its_own_deadline(
    client: Client, supervisor: ScriptedSupervisor, threads: ThreadPoolExecutor
) -> None:
    asking = on_hold(client, supervisor, threads)
    with pytest.raises(AiPalError) as caught:
        client.unload("m", timeout=0.05)
    assert caught.value.code == Code.SUPERVISOR_SILENT
    assert client.chat("nothing").soon(0.05) is None
    client.close()
    assert code(asking) == Code.CLIENT_CLOSED


def test_a_wait_of_any_length_is_one(
    client: Client, supervisor: ScriptedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "LONGEST", 0.01)
    supervisor.script = lambda request: [wire.Unloaded(request.id, ["m"])] if request.id == 2 else []
    begun = time.monotonic()
    assert client.chat("nothing").soon(0.05) is None
    assert time.monotonic() - begun >= 0.05
    assert client.unload("m", timeout=1e9) == ["m"]
