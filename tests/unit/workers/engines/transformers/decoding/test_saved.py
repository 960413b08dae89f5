"""What was read of a kept conversation outlives the engine: saved at its end, and fetched by the next one."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded
from workers.engines.transformers.decoding import saved
from workers.kept_prefixes import KeptPrefixes

ONE, OTHER = "1" * 32, "2" * 32
LIMIT = 10_000_000
SECONDS = 60.0
STORY = "the ships sail far away and the sea is deep and blue, " * 12
GREEDY = GenerationOptions(temperature=0.0, max_tokens=6, extra={"ignore_eos": True})
ENDLESS = GenerationOptions(temperature=0.0, max_tokens=10_000, extra={"ignore_eos": True})
QUESTION = [Message("user", STORY)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("model") / "m", "llama", max_position_embeddings=2048)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of kept prefixes, with that of a conversation."""
    (tmp_path / "prefixes" / ONE).mkdir(parents=True)
    return tmp_path / "prefixes"


@contextmanager
def engine(
    model: Path, kept: Path, limit: int = LIMIT, now: Callable[[], float] = time.time
) -> Iterator[Loaded]:
    loaded = Loaded(model, prefixes=kept, prefix_bytes=limit, now=now, dtype="float32")
    try:
        yield loaded
        loaded.engine.save_prefixes(SECONDS)
    finally:
        loaded.engine.close()


def ask(loaded: Loaded, messages: list[Message], mark: str = "") -> Answer:
    return loaded.do(lambda key: Generate(key, messages, GREEDY, mark))


def files(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file())


def turn(answer: Answer) -> list[Message]:
    return [*QUESTION, Message("assistant", answer.text), Message("user", "be brief")]


def test_the_next_turn_in_another_engine_computes_only_what_is_new(model: Path, kept: Path) -> None:
    with engine(model, kept) as first:
        answer = ask(first, QUESTION, ONE)
    assert [path.suffix for path in files(kept)] == [".about", ".state"]
    with engine(model, kept) as second:
        again = ask(second, turn(answer), ONE)
        assert again.usage.cached_tokens >= answer.usage.prompt_tokens
    with engine(model, kept, 0) as fresh:
        plain = ask(fresh, turn(answer), ONE)
        assert (plain.text, plain.usage.cached_tokens) == (again.text, 0)


@pytest.mark.parametrize(("hours", "goes_on"), [(0.5, True), (9, False)])
def test_the_date_that_was_told_stands_still_over_midnight(
    hours: float, goes_on: bool, model: Path, kept: Path, tmp_path: Path
) -> None:
    dated = tmp_path / "dated"
    shutil.copytree(model, dated)
    template = dated / "chat_template.jinja"
    template.write_text("{{ strftime_now('%A') }}" + template.read_text())
    midnight = datetime(2026, 12, 1).astimezone().timestamp()
    with engine(dated, kept, now=lambda: midnight - 60) as first:
        answer = ask(first, QUESTION, ONE)
    with engine(dated, kept, now=lambda: midnight + hours * 3600) as second:
        cached = ask(second, turn(answer), ONE).usage.cached_tokens
    assert (cached >= answer.usage.prompt_tokens) is goes_on


def test_what_is_not_kept_is_not_written(model: Path, kept: Path) -> None:
    with engine(model, kept) as loaded:
        ask(loaded, QUESTION)
        ask(loaded, [Message("user", "another " + STORY)], OTHER)
        ask(loaded, QUESTION, ONE)
        ask(loaded, [*QUESTION, Message("user", "nobody keeps this")])  # takes that row over
    assert files(kept) == []


def test_what_runs_is_stopped_and_kept(model: Path, kept: Path) -> None:
    with engine(model, kept) as loaded:
        loaded.engine.start(Generate(7, QUESTION, ENDLESS, ONE), ())
        loaded.sink.wait_for_text(7)
    assert len(files(kept)) == 2


def test_another_model_and_another_beginning_take_nothing(model: Path, kept: Path, tmp_path: Path) -> None:
    with engine(model, kept) as first:
        answer = ask(first, QUESTION, ONE)
    other = tiny_models.save(tmp_path / "other", "llama", max_position_embeddings=2048, intermediate_size=32)
    with engine(other, kept, 1) as loaded:
        assert ask(loaded, turn(answer), ONE).usage.cached_tokens == 0
    with engine(model, kept) as loaded:
        edited = [Message("user", "No: " + STORY)]
        assert ask(loaded, edited, ONE).usage.cached_tokens == 0


def test_a_state_of_another_form_is_removed(model: Path, kept: Path) -> None:
    with engine(model, kept) as first:
        answer = ask(first, QUESTION, ONE)
    state = next(path for path in files(kept) if path.suffix == ".state")
    again = KeptPrefixes(kept, LIMIT, state.stem)
    before = again.tokens(ONE)
    assert before is not None
    draft = again.begin(ONE, 5)
    assert draft is not None
    draft.path.write_bytes(b"no tensors")  # the same file
    again.finish(draft, before)
    with engine(model, kept, 1) as loaded:
        assert ask(loaded, turn(answer), ONE).usage.cached_tokens == 0
        assert files(kept) == []


def test_a_conversation_that_goes_on_is_looked_for_once_however_many_others_there_are(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST", 2)
    on_disk = KeptPrefixes(kept, LIMIT, "of no model")
    looked: list[str] = []
    monkeypatch.setattr(on_disk, "tokens", looked.append)
    rows = saved.SavedRows(on_disk, "cpu")
    for mark in (ONE, OTHER, ONE, "3" * 32, ONE):
        rows.fetch(mark, [1, 2, 3])
    assert looked == [ONE, OTHER, "3" * 32]
