"""What every engine promises, asked of a real worker process: echo, llama.cpp, transformers, and vLLM's with
a stand-in for its program."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import (
    Beat,
    Deltas,
    Gang,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadFailed,
    LoadModel,
    LoadProgress,
    Ready,
    WorkerHello,
)
from tests.servers import vllm_stand_in
from tests.servers.ray_cluster import free_ports
from tests.worker_driver import TIMEOUT, WorkerDriver

CONTEXT = 512
STARTER = {"llamacpp": "starter_model", "transformers": "starter_safetensors"}
"""The fixture with the starter model as each engine reads it."""
SHORT = {"llamacpp": "short_starter", "transformers": "short_safetensors"}
"""The same with few layers: most of what is promised, a model need not be clever for."""
SLOW = {"llamacpp": ("starter_model", 4), "transformers": ("short_safetensors", 1)}
"""One that takes seconds to read a prompt in chunks of so many tokens."""
QUESTION = "What is the capital of France?"
LOOP = "Write " + "responsibility " * 6 + "for ever."
"""The starter soon repeats itself at this, in long words: few have to be computed until it shows."""
RESPONSIBILITY = 4974
"""The starter's token for " responsibility"."""
LONG = GenerationOptions(temperature=0.0, extra={"tokens": 100_000, "ignore_eos": True})


class Loaded(msgspec.Struct):
    """A worker with its model, and the keys of its requests."""

    driver: WorkerDriver
    ready: Ready
    progress: list[float]
    keys: Iterator[int]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("echo"),
        pytest.param("llamacpp", marks=pytest.mark.real_model),
        pytest.param("transformers", marks=pytest.mark.real_model),
        pytest.param("vllm"),
    ],
)
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadModel]:
    if request.param == "echo":
        yield LoadModel("echo", "echo", context=CONTEXT, slots=4, options={"load_seconds": 0.1})
    elif request.param == "vllm":  # its program is a stand-in: that needs cards
        (port,) = free_ports(1)
        gang = Gang(["127.0.0.1"], port, cards=1, part=0.9)
        with pytest.MonkeyPatch.context() as environ:
            environ.setenv("PATH", str(vllm_stand_in.FOLDER), prepend=os.pathsep)
            environ.setenv("CUDA_VISIBLE_DEVICES", "GPU-x")
            path = str(tmp_path_factory.mktemp("model"))
            yield LoadModel("m", "vllm", path, context=CONTEXT, slots=4, gang=gang)
    else:
        path = request.getfixturevalue(SHORT[request.param])
        yield LoadModel("smollm2", request.param, str(path), context=CONTEXT, slots=4)


@pytest.fixture(scope="module")
def worker(spec: LoadModel) -> Iterator[Loaded]:
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), spec.engine) as driver:
        driver.wait_for(WorkerHello)
        driver.send(spec)
        progress: list[float] = []
        while not isinstance(message := driver.receive(), Ready):
            if isinstance(message, LoadProgress):
                progress.append(message.fraction)
        yield Loaded(driver, message, progress, iter(range(1, 1000)))


@pytest.fixture(scope="module", params=[pytest.param(one, marks=pytest.mark.real_model) for one in STARTER])
def unset(request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    """The starter model, loaded as it comes: neither window nor slots are said."""
    path = request.getfixturevalue(STARTER[request.param])
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), request.param) as driver:
        assert isinstance(driver.load(LoadModel("m", request.param, str(path))), Ready)
        yield driver


def test_load_progress_is_monotone_and_complete(worker: Loaded) -> None:
    assert worker.progress == sorted(worker.progress)
    assert worker.progress[-1] == 1.0


def test_ready_tells_slots_and_window(worker: Loaded) -> None:
    assert (worker.ready.slots, worker.ready.context) == (4, CONTEXT)
    assert worker.ready.threads >= 1


def test_an_answer_ends_exactly_once(worker: Loaded) -> None:
    answer = worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(temperature=0.0, max_tokens=5))
    worker.driver.settle()
    assert answer.text
    assert isinstance(answer.end, GenerationDone)


def test_sequence_numbers_have_no_gap(worker: Loaded) -> None:
    answer = worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(temperature=0.0, max_tokens=5))
    following = 0
    for seq, n in answer.seqs:
        assert seq == following
        following += n


def test_max_tokens_ends_with_length(worker: Loaded) -> None:
    answer = worker.driver.ask(
        next(worker.keys), "Count to one hundred.", GenerationOptions(temperature=0.0, max_tokens=3)
    )
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.finish_reason == "length"
    assert answer.end.usage.completion_tokens == 3
    assert answer.end.usage.prompt_tokens > 0


def test_stop_string_ends_the_answer_before_it(worker: Loaded) -> None:
    options = GenerationOptions(temperature=0.0, max_tokens=12)
    whole = worker.driver.ask(next(worker.keys), QUESTION, options).text
    stop = whole.split()[2]
    cut = worker.driver.ask(next(worker.keys), QUESTION, msgspec.structs.replace(options, stop=[stop]))
    assert isinstance(cut.end, GenerationDone)
    assert cut.end.finish_reason == "stop"
    assert cut.text == whole[: whole.index(stop)]


def test_temperature_zero_says_the_same_twice(worker: Loaded) -> None:
    options = GenerationOptions(temperature=0.0, max_tokens=8, seed=7)
    texts = {worker.driver.ask(next(worker.keys), QUESTION, options).text for _ in range(2)}
    assert len(texts) == 1


def test_cancel_ends_a_running_answer_and_the_next_is_served(worker: Loaded) -> None:
    key = next(worker.keys)
    worker.driver.generate(key, "Tell me a long story.", slow(LONG))
    worker.driver.wait_for(Deltas)
    worker.driver.cancel(key)
    worker.driver.finish([key], timeout=60)
    assert isinstance(worker.driver.answers[key].end, GenerationCancelled)
    assert worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(max_tokens=2)).text


def test_cancel_right_after_the_request_ends_it(worker: Loaded) -> None:
    key = next(worker.keys)
    worker.driver.generate(key, "word " * 300, slow(LONG))
    worker.driver.cancel(key)
    worker.driver.finish([key], timeout=60)
    assert isinstance(worker.driver.answers[key].end, GenerationCancelled)


def test_cancel_of_an_unknown_key_is_ignored(worker: Loaded) -> None:
    worker.driver.cancel(999_999)
    assert worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(max_tokens=2)).text


def test_concurrent_requests_run_together_and_do_not_mix(worker: Loaded) -> None:
    questions = {next(worker.keys): said for said in ("Say red.", "Say green.", "Say blue.", QUESTION)}
    options = GenerationOptions(
        temperature=0.0, max_tokens=16, extra={"ignore_eos": True, "tokens": 16, "pace": 0.03}
    )
    for key, said in questions.items():
        worker.driver.generate(key, said, options)
    worker.driver.wait_for(GenerationDone)
    assert all(worker.driver.answers[key].text for key in questions), "they ran one after the other"
    worker.driver.finish(questions)
    for key, said in questions.items():
        words = worker.driver.answers[key].text
        assert isinstance(worker.driver.answers[key].end, GenerationDone)
        if worker.ready.engine.startswith("echo"):
            assert set(words.split()) == set(said.split())


def test_a_request_beyond_the_slots_is_refused(worker: Loaded) -> None:
    keys = [next(worker.keys) for _ in range(5)]
    for key in keys:
        worker.driver.generate(key, QUESTION, slow(LONG))
    worker.driver.finish(keys[4:])
    end = worker.driver.answers[keys[4]].end
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "overloaded"
    for key in keys[:4]:
        worker.driver.cancel(key)
    worker.driver.finish(keys[:4])


def test_steps_grow_while_it_computes(worker: Loaded) -> None:
    before = worker.driver.wait_for(Beat).steps
    worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(max_tokens=4))
    after = worker.driver.wait_for(Beat)
    assert after.steps > before
    assert after.active == 0


def test_a_conversation_beyond_the_window_loses_its_oldest_turns(worker: Loaded) -> None:
    messages = [Message("system", "")]
    for turn in range(12):
        messages += [Message("user", f"{turn} " + "word " * 30), Message("assistant", "yes " * 30)]
    messages.append(Message("user", QUESTION))
    answer = worker.driver.ask(next(worker.keys), messages, GenerationOptions(temperature=0.0, max_tokens=4))
    assert isinstance(answer.end, GenerationDone)
    assert answer.trimmed is not None
    assert answer.trimmed.context == CONTEXT
    assert answer.end.usage.prompt_tokens <= CONTEXT * 0.75


def test_a_prompt_larger_than_the_window_is_refused_with_both_figures(worker: Loaded) -> None:
    answer = worker.driver.ask(next(worker.keys), "word " * 900)
    assert isinstance(answer.end, GenerationFailed)
    assert answer.end.failure.code == "prompt_too_large"
    assert str(CONTEXT) in answer.end.failure.message
    assert "9" in answer.end.failure.message


@pytest.mark.timeout(180)
def test_an_answer_that_repeats_itself_ends_when_that_is_wanted(worker: Loaded, spec: LoadModel) -> None:
    driver, key = worker.driver, next(worker.keys)
    extra = {"ignore_eos": True, "tokens": 100_000, "pace": 0.002}
    # left to itself a model says something else where its numbers come out a little otherwise
    bias = {RESPONSIBILITY: 1000.0} if spec.engine in STARTER else {}
    options = GenerationOptions(
        temperature=0.0, max_tokens=400, extra=extra, stop_repeating=True, logit_bias=bias
    )
    driver.generate(key, LOOP, options)
    driver.finish([key], timeout=120)
    stopped = driver.answers[key]
    assert isinstance(stopped.end, GenerationDone)
    assert (stopped.end.finish_reason, stopped.end.repeats) == ("stop", True)
    assert len(stopped.text) > 250
    assert driver.ask(next(worker.keys), QUESTION, GenerationOptions(max_tokens=2)).text


@pytest.mark.timeout(180)
def test_a_form_is_cut_off_where_its_answer_repeats_itself(worker: Loaded) -> None:
    """It did not come to its end: what has come is no JSON. An engine may be done before it is stopped."""
    form = JsonSchema({"type": "array", "items": {"const": "responsibility"}, "minItems": 200})
    options = GenerationOptions(
        temperature=0.0, max_tokens=400, stop_repeating=True, response_format=form, extra={"pace": 0.002}
    )
    key = next(worker.keys)
    worker.driver.generate(key, LOOP, options)
    worker.driver.finish([key], timeout=120)
    end = worker.driver.answers[key].end
    assert isinstance(end, GenerationDone)
    assert end.finish_reason == ("length" if end.repeats else "stop")


def test_an_answer_may_repeat_itself_where_nobody_minds(worker: Loaded) -> None:
    extra = {"ignore_eos": True, "tokens": 100_000}
    options = GenerationOptions(temperature=0.0, max_tokens=100, extra=extra, stop_repeating=False)
    said = "wonderful " * 40
    answer = worker.driver.ask(next(worker.keys), said, options)
    assert isinstance(answer.end, GenerationDone)
    assert answer.end.finish_reason == "length"


def test_wrong_options_are_the_requests_failure_only(worker: Loaded) -> None:
    wrong = GenerationOptions(extra={"tokens": "many", "temperature": "hot"})
    answer = worker.driver.ask(next(worker.keys), QUESTION, wrong)
    assert isinstance(answer.end, GenerationFailed)
    assert answer.end.failure.code == "bad_request"
    assert worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(max_tokens=2)).text


def test_an_option_that_nobody_would_look_at_is_refused_with_the_nearest(worker: Loaded) -> None:
    answer = worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(extra={"top_kk": 3}))
    assert isinstance(answer.end, GenerationFailed)
    assert (answer.end.failure.code, answer.end.failure.hint) == ("bad_request", "did you mean top_k?")
    few = GenerationOptions(max_tokens=2, top_k=3)
    assert worker.driver.ask(next(worker.keys), QUESTION, few).text


@pytest.fixture(scope="module")
def slow_reader(spec: LoadModel, request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    """The same engine, reading a few tokens at a time: a prompt takes it seconds."""
    if spec.engine == "vllm":
        pytest.skip("it does not tell how far a prompt is read")
    if spec.engine in SLOW:
        path, chunk = SLOW[spec.engine]
        spec = msgspec.structs.replace(
            spec, path=str(request.getfixturevalue(path)), options={"chunk": chunk}
        )
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), spec.engine) as driver:
        assert isinstance(driver.load(spec), Ready)
        yield driver


LONG_PROMPT = GenerationOptions(
    temperature=0.0, max_tokens=4, extra={"prefill_seconds": 3.0, "ignore_eos": True}
)


def test_a_prompt_that_takes_long_tells_how_far_it_is_read(slow_reader: WorkerDriver) -> None:
    answer = slow_reader.ask(1, "word " * 240, LONG_PROMPT)  # the driver refuses what comes after the text
    assert isinstance(answer.end, GenerationDone)
    told = [reading.done for reading in answer.readings]
    assert len(told) > 2
    assert told == sorted(set(told))
    assert {reading.total for reading in answer.readings} == {answer.end.usage.prompt_tokens}
    assert told[0] < told[-1] == answer.end.usage.prompt_tokens


def test_of_a_prompt_that_is_read_soon_the_length_is_told(spec: LoadModel, worker: Loaded) -> None:
    if spec.engine == "vllm":
        pytest.skip("it does not tell how far a prompt is read")
    answer = worker.driver.ask(next(worker.keys), QUESTION, GenerationOptions(temperature=0.0, max_tokens=2))
    assert isinstance(answer.end, GenerationDone)
    length = answer.end.usage.prompt_tokens
    assert [(told.done, told.total) for told in answer.readings[-1:]] == [(length, length)]


def test_what_was_kept_of_a_prompt_counts_as_read(spec: LoadModel, slow_reader: WorkerDriver) -> None:
    if spec.engine == "echo":
        return  # it keeps nothing
    messages = [Message("user", "word " * 100)]
    first = slow_reader.ask(2, messages, GenerationOptions(temperature=0.0, max_tokens=2))
    messages += [Message("assistant", first.text), Message("user", "and " * 260)]
    second = slow_reader.ask(3, messages, GenerationOptions(temperature=0.0, max_tokens=2))
    assert isinstance(second.end, GenerationDone)
    assert second.end.usage.cached_tokens > 100
    assert second.readings
    assert second.readings[0].done >= second.end.usage.cached_tokens


def test_a_second_turn_computes_only_what_is_new(unset: WorkerDriver) -> None:
    messages = [Message("user", "Tell me about the sea. " + "It is deep and blue. " * 20)]
    options = GenerationOptions(temperature=0.0, max_tokens=8)
    first = unset.ask(1, messages, options)
    messages += [Message("assistant", first.text), Message("user", "Go on.")]
    second = unset.ask(2, messages, options)
    assert isinstance(first.end, GenerationDone)
    assert isinstance(second.end, GenerationDone)
    assert second.end.usage.cached_tokens >= first.end.usage.prompt_tokens


def test_the_starter_model_knows_a_capital(unset: WorkerDriver) -> None:
    assert "Paris" in unset.ask(3, QUESTION, GenerationOptions(temperature=0.0, max_tokens=12)).text


@pytest.mark.parametrize("damage", ["missing", "junk", "truncated", "empty"])
@pytest.mark.real_model
def test_a_bad_file_fails_the_load_for_good(damage: str, starter_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    if damage == "junk":
        path.write_bytes(b"junk" * 10_000)
    elif damage == "truncated":
        with starter_model.open("rb") as file:
            path.write_bytes(file.read(30_000_000))
    elif damage == "empty":
        path.touch()
    with WorkerDriver(tmp_path) as driver:
        answer = driver.load(LoadModel("m", "llamacpp", str(path)))
        assert isinstance(answer, LoadFailed)
        assert answer.failure.code == "model_invalid"
        assert driver.process.wait(TIMEOUT) == 78


def slow(options: GenerationOptions) -> GenerationOptions:
    """The same, in human time where the engine has no speed of its own."""
    return msgspec.structs.replace(options, extra={**options.extra, "pace": 0.01})
