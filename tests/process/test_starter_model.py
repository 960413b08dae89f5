"""The starter model through the whole path: client, supervisor, worker, llama.cpp."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.process.answers import end_of
from tests.process.eventually import allowed, eventually
from tests.process.supervised import Supervised, gone, pid_of
from tests.split_gguf import split

QUESTION = "What is the capital of France?"
GREEDY = GenerationOptions(temperature=0.0, max_tokens=24)
Supervise = Callable[..., Supervised]


@pytest.fixture
def client(supervise: Supervise, starter_model: Path) -> Iterator[Client]:
    cache = starter_model.parent.parent
    with supervise(model="smollm2", model_cache_dir=cache, context=512).client() as client:
        yield client


def test_a_question_is_answered(client: Client) -> None:
    events = list(client.chat(QUESTION, options=GREEDY))
    done = end_of(events, wire.Done)
    text = "".join(event.text for event in events if isinstance(event, wire.Delta))
    assert "Paris" in text
    assert done.usage.prompt_tokens > 0
    progress = [event.progress for event in events if isinstance(event, wire.Loading)]
    assert progress == sorted(progress)
    assert progress[-1] > progress[0]


def test_a_conversations_prefix_is_not_computed_twice(client: Client) -> None:
    first = client.ask(QUESTION, options=GREEDY)
    turns = [Message("user", QUESTION), Message("assistant", first.text), Message("user", "And of Spain?")]
    second = client.ask(turns, options=GREEDY)
    assert second.usage.cached_tokens >= first.usage.prompt_tokens
    assert second.usage.prompt_tokens - second.usage.cached_tokens < first.usage.prompt_tokens


def test_the_oldest_turns_are_dropped_and_the_user_is_told(client: Client) -> None:
    turns: list[Message] = []
    for number in range(20):
        turns += [
            Message("user", f"{number} {QUESTION} " * 3),
            Message("assistant", "Paris, as before. " * 3),
        ]
    answer = client.ask([*turns, Message("user", QUESTION)], options=GREEDY)
    assert [notice.kind for notice in answer.notices] == ["trimmed"]
    assert answer.text


def test_a_prompt_larger_than_the_window_is_refused_with_both_figures(client: Client) -> None:
    with pytest.raises(AiPalError) as refused:
        client.ask("word " * 2000, options=GREEDY)
    assert refused.value.code == Code.PROMPT_TOO_LARGE
    assert "512" in refused.value.failure.message
    assert "Paris" in client.ask(QUESTION, options=GREEDY).text


def test_a_truncated_file_is_refused_and_the_supervisor_lives_on(
    client: Client, starter_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(starter_model.read_bytes()[:20_000_000])
    with pytest.raises(AiPalError) as refused:
        client.ask(QUESTION, model=str(broken))
    assert refused.value.code == Code.MODEL_INVALID
    assert "Paris" in client.ask(QUESTION, options=GREEDY).text


def test_unloading_gives_the_memory_back(client: Client) -> None:
    client.ask(QUESTION, options=GREEDY)
    pid = pid_of(client, "smollm2")
    assert client.unload("smollm2") == ["smollm2"]
    assert gone(pid)


def test_an_answer_stops_when_its_client_closes_it(client: Client) -> None:
    stream = client.chat("Count to a thousand.", options=GenerationOptions(max_tokens=400))
    next(event for event in stream if isinstance(event, wire.Delta))
    stream.close()
    eventually(lambda: all(worker.active == 0 for worker in client.status().workers))
    assert "Paris" in client.ask(QUESTION, options=GREEDY).text


def test_a_model_in_parts_answers(supervise: Supervise, starter_model: Path, tmp_path: Path) -> None:
    first = split(starter_model, tmp_path, "parts-Q4_1", parts=3)
    with supervise(context=512).client() as client:
        second = first.with_name(first.name.replace("-00001-", "-00002-"))
        assert "Paris" in client.ask(QUESTION, model=str(second), options=GREEDY).text
        second.unlink()
        with pytest.raises(AiPalError, match=r"lacks parts-Q4_1-00002-of-00003\.gguf") as caught:
            client.ask(QUESTION, model=f"{first}?id=2", options=GREEDY)
        assert caught.value.code == Code.MODEL_INVALID


def test_a_count_loads_no_weights_and_is_what_a_request_reports(client: Client, starter_model: Path) -> None:
    counted = client.count_tokens(QUESTION)
    (vocabulary,) = client.status().workers
    assert (vocabulary.model, vocabulary.vocabulary) == ("smollm2 (vocabulary)", True)
    assert vocabulary.pid is not None
    mapped = [one.path for one in psutil.Process(vocabulary.pid).memory_maps()]
    assert str(starter_model) not in mapped
    assert vocabulary.memory < starter_model.stat().st_size
    assert client.ask(QUESTION, options=GREEDY).usage.prompt_tokens == counted
    assert client.count_tokens(QUESTION) == counted
    workers = {worker.model: worker for worker in client.status().workers}
    assert workers["smollm2 (vocabulary)"].requests == 1, "the loaded model counts"
    assert sorted(client.unload("smollm2")) == ["smollm2", "smollm2 (vocabulary)"]


def test_fifty_counts_take_a_second_at_most(client: Client) -> None:
    client.count_tokens(QUESTION)
    begun = time.monotonic()
    for number in range(50):
        client.count_tokens(f"{number} {QUESTION}", system="Be brief.")
    assert time.monotonic() - begun < allowed(1.0)
