"""What was read of a kept conversation outlives its worker: real workers, one after the other."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Deltas, Generate, GenerationDone, LoadModel, Ready
from tests import tiny_gguf
from tests.process.eventually import files_below
from tests.worker_driver import TIMEOUT, Answer, WorkerDriver
from workers.engines.llamacpp.prefixes import NUMBER

pytestmark = pytest.mark.real_model

KEYS = count(1)
ONE, OTHER, DELETED = "1" * 32, "2" * 32, "3" * 32
STORY = "the sea is deep and blue " * 12
WEATHER = "what is the weather in paris " * 12
LIMIT = 100_000_000
NEW = 100
"""Tokens at most of an answer and a question: most are letters to this model."""
ANSWER = GenerationOptions(temperature=0.0, max_tokens=6, extra={"ignore_eos": True})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.save(tmp_path_factory.mktemp("model") / "m.gguf", "sentencepiece")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of kept prefixes, with those of two conversations."""
    folder = tmp_path / "prefixes"
    for mark in (ONE, OTHER):
        (folder / mark).mkdir(parents=True, mode=0o700)
    return folder


@contextmanager
def worker(
    folder: Path, model: Path, kept: Path, limit: int = LIMIT, context: int = 2048, speculate: str = "off"
) -> Iterator[WorkerDriver]:
    folder.mkdir(exist_ok=True)
    with WorkerDriver(folder, "llamacpp") as driver:
        keeps = {"prefixes": str(kept), "prefix_bytes": limit}
        spec = LoadModel("m", "llamacpp", str(model), 1, context, options={"speculate": speculate})
        assert isinstance(driver.load(msgspec.structs.replace(spec, **keeps)), Ready)
        yield driver


def ask(driver: WorkerDriver, messages: list[Message], mark: str = "") -> tuple[str, Usage]:
    answer = driver.do(Generate(next(KEYS), messages, ANSWER, mark))
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.text, answer.end.usage


def end(driver: WorkerDriver) -> int:
    """Told to end as a supervisor does it."""
    driver.process.send_signal(signal.SIGTERM)
    return driver.process.wait(TIMEOUT)


def said(text: str) -> list[Message]:
    return [Message("user", text)]


def files(kept: Path) -> list[Path]:
    return files_below(kept)


def saved(folder: Path, model: Path, kept: Path, speculate: str = "off") -> tuple[list[Message], Usage]:
    """One conversation, begun in a worker that ends; its messages with another question."""
    with worker(folder, model, kept, speculate=speculate) as driver:
        text, usage = ask(driver, said(STORY), ONE)
        assert end(driver) == 0
    assert [path.suffix for path in files(kept)] == [".about", ".state"]
    return [*said(STORY), Message("assistant", text), *said("be brief")], usage


def test_the_next_turn_in_another_worker_reads_only_what_is_new(
    tmp_path: Path, model: Path, kept: Path
) -> None:
    messages, before = saved(tmp_path, model, kept)
    with worker(tmp_path, model, kept) as driver:
        answer, usage = ask(driver, messages, ONE)
    assert usage.cached_tokens >= before.prompt_tokens
    assert usage.prompt_tokens - usage.cached_tokens < NEW
    with worker(tmp_path, model, kept) as driver:
        assert ask(driver, messages) == (answer, Usage(usage.prompt_tokens, 0, usage.completion_tokens))


def test_only_what_may_be_kept_is_written_and_for_the_owner_alone(
    tmp_path: Path, model: Path, kept: Path
) -> None:
    with worker(tmp_path, model, kept) as driver:
        ask(driver, said(WEATHER))
        ask(driver, said(f"brief {WEATHER}"), DELETED)
        ask(driver, said(STORY), ONE)
        assert end(driver) == 0
    assert {path.parent.name for path in files(kept)} == {ONE}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(kept)} == {0o600}
    assert not (kept / DELETED).exists()


def test_without_a_mark_nothing_is_written_and_the_end_is_at_once(
    tmp_path: Path, model: Path, kept: Path
) -> None:
    with worker(tmp_path, model, kept) as driver:
        ask(driver, said(STORY))
        assert end(driver) == -signal.SIGTERM
    assert files(kept) == []


def test_conversations_that_took_turns_are_all_saved(tmp_path: Path, model: Path, kept: Path) -> None:
    with worker(tmp_path, model, kept) as driver:
        first, _ = ask(driver, said(STORY), ONE)
        second, _ = ask(driver, said(WEATHER), OTHER)
        assert end(driver) == 0
    with worker(tmp_path, model, kept) as driver:
        for mark, text, answer in ((ONE, STORY, first), (OTHER, WEATHER, second)):
            messages = [*said(text), Message("assistant", answer), *said("be brief")]
            _, usage = ask(driver, messages, mark)
            assert usage.prompt_tokens - usage.cached_tokens < NEW, mark


@pytest.mark.parametrize("harm", ["a bit", "cut", "about", "foreign"])
def test_what_is_damaged_is_removed_and_read_anew(tmp_path: Path, model: Path, kept: Path, harm: str) -> None:
    messages, _ = saved(tmp_path, model, kept)
    about, state = files(kept)
    match harm:
        case "a bit":
            data = bytearray(state.read_bytes())
            data[len(data) // 2] ^= 1
            state.write_bytes(data)
        case "cut":
            os.truncate(state, state.stat().st_size // 2)
        case "about":
            about.write_bytes(b"no message")
        case "foreign":
            state.write_bytes(os.urandom(state.stat().st_size))
    with worker(tmp_path, model, kept) as driver:
        _, usage = ask(driver, messages, ONE)
        assert usage.cached_tokens == 0
        assert files(kept) == []


def test_another_window_or_another_file_is_another_model(tmp_path: Path, model: Path, kept: Path) -> None:
    messages, _ = saved(tmp_path, model, kept)
    with worker(tmp_path, model, kept, context=1024) as driver:
        assert ask(driver, messages, ONE)[1].cached_tokens == 0


def test_an_edited_conversation_is_read_anew(tmp_path: Path, model: Path, kept: Path) -> None:
    messages, _ = saved(tmp_path, model, kept)
    with worker(tmp_path, model, kept) as driver:
        _, usage = ask(driver, [*said(WEATHER), *messages[1:]], ONE)
        assert usage.cached_tokens < 20


def test_the_limit_holds(tmp_path: Path, model: Path, kept: Path) -> None:
    with worker(tmp_path, model, kept, limit=1000) as driver:
        ask(driver, said(STORY), ONE)
        assert end(driver) == 0
    assert files(kept) == []


def test_a_running_answer_is_no_obstacle(tmp_path: Path, model: Path, kept: Path) -> None:
    options = GenerationOptions(max_tokens=1500, extra={"ignore_eos": True})
    with worker(tmp_path, model, kept) as driver:
        key = next(KEYS)
        driver.answers[key] = Answer()
        driver.send(Generate(key, said(STORY), options, ONE))
        driver.wait_for(Deltas)
        assert end(driver) == 0
    assert [path.suffix for path in files(kept)] == [".about", ".state"]


def test_a_slot_that_passes_for_another_conversations_is_not_saved(
    tmp_path: Path, model: Path, kept: Path
) -> None:
    posing = GenerationOptions(max_tokens=6, extra={"ignore_eos": True, NUMBER: 1})
    with worker(tmp_path, model, kept) as driver:
        text, _ = ask(driver, said(STORY), ONE)
        driver.do(Generate(next(KEYS), said(WEATHER), posing))
        assert end(driver) == 0
    with worker(tmp_path, model, kept) as driver:
        _, usage = ask(driver, [*said(STORY), Message("assistant", text), *said("be brief")], ONE)
        assert usage.prompt_tokens - usage.cached_tokens < NEW


def test_a_model_with_a_state_answers_as_from_a_fresh_start(tmp_path: Path, kept: Path) -> None:
    model = tiny_gguf.save_mamba(tmp_path / "mamba.gguf")
    messages, _ = saved(tmp_path, model, kept)
    with worker(tmp_path, model, kept) as driver:
        warm, _ = ask(driver, messages, ONE)
    with worker(tmp_path, model, kept) as driver:
        assert ask(driver, messages)[0] == warm


def test_a_model_that_guesses_by_what_was_said_goes_on_too(tmp_path: Path, model: Path, kept: Path) -> None:
    messages, before = saved(tmp_path, model, kept, speculate="ngram")
    with worker(tmp_path, model, kept, speculate="ngram") as driver:
        assert ask(driver, messages, ONE)[1].cached_tokens >= before.prompt_tokens
