"""Each engine takes each value that `protocol.option_rules` takes: what that refuses is refused for all."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import Generate, GenerationDone, GenerationFailed, LoadModel, Ready
from tests.option_values import taken
from tests.worker_driver import WorkerDriver

KEYS = count(1)
TAKEN = [pytest.param(name, value, id=f"{name}-{label}") for name, label, value in taken()]
UNABLE = {"logprobs", "thinking", "thinking_budget", "prefill", "context", "tools", "response_format", "lora"}
"""What an engine, or the model it has loaded, may not be able to do; it says so."""
MORE: list[dict[str, Any]] = [
    {"temperature": 5e-324},
    {"temperature": 1.7e308},
    {"top_p": 5e-324},
    {"min_p": 5e-324},
    {"max_tokens": 2**63 - 1, "stop": [" "]},
    {"top_k": 2**63 - 1},
    {"seed": -(2**63)},
    {"seed": 2**64 - 1},
    {"presence_penalty": -1.7e308},
    {"frequency_penalty": 1.7e308},
    {"repeat_penalty": 5e-324},
    {"repeat_penalty": 1.7e308},
    {"logprobs": 300},
    {"extra": {"ignore_eos": True}},
]


@pytest.fixture(
    scope="module",
    params=[
        "echo",
        pytest.param("llamacpp", marks=pytest.mark.real_model),
        pytest.param("transformers", marks=pytest.mark.real_model),
    ],
)
def driver(request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    spec = LoadModel("echo", "echo")
    if request.param == "llamacpp":
        spec = LoadModel("m", "llamacpp", str(request.getfixturevalue("short_starter")), context=512)
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), request.param) as driver:
        if request.param == "transformers":
            tiny = request.getfixturevalue("tiny_llama")
            spec = LoadModel("m", "transformers", str(tiny), context=128)
        assert isinstance(driver.load(spec), Ready)
        yield driver


@pytest.fixture(scope="module")
def tiny_llama() -> Iterator[Path]:
    tiny_models = pytest.importorskip("tests.tiny_models")
    with tempfile.TemporaryDirectory() as folder:
        yield tiny_models.save(Path(folder) / "tiny", "llama")


def end_of(driver: WorkerDriver, options: dict[str, Any]) -> object:
    short = {"max_tokens": 2} | options
    asked = Generate(next(KEYS), [Message("user", "a b c")], GenerationOptions(**short))
    return driver.do(asked).end


@pytest.mark.parametrize(("name", "value"), TAKEN)
def test_what_the_table_takes_every_engine_takes(driver: WorkerDriver, name: str, value: Any) -> None:
    how = {"stop": [" "]} if name == "max_tokens" else {}  # it need not go on to the end of the window
    end = end_of(driver, how | {name: value})
    if isinstance(end, GenerationFailed):  # it says that it cannot, not that the value is wrong
        assert end.failure.code == "unsupported", end.failure
        assert name in UNABLE, end.failure
    else:
        assert isinstance(end, GenerationDone)


@pytest.mark.parametrize("options", MORE, ids=lambda options: str(options)[:50])
def test_so_do_they_at_the_ends_of_what_can_be_said(driver: WorkerDriver, options: dict[str, Any]) -> None:
    end = end_of(driver, options)
    assert isinstance(end, GenerationDone) or (
        isinstance(end, GenerationFailed) and end.failure.code == "unsupported"
    ), end
    assert isinstance(end_of(driver, {}), GenerationDone), "and the next request is answered"


def test_a_larger_window_than_there_is_is_refused_by_every_engine(driver: WorkerDriver) -> None:
    end = end_of(driver, {"context": 10**9})
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "unsupported"
    assert f"?context={10**9}" in end.failure.hint
    assert isinstance(end_of(driver, {"context": 64}), GenerationDone)


@pytest.mark.parametrize(
    ("name", "near"), [("top_kk", "top_k"), ("temprature", "temperature"), ("nosuch", ""), ("paces", "")]
)
def test_unknown_options_are_refused_with_the_nearest_name(
    driver: WorkerDriver, name: str, near: str
) -> None:
    end = end_of(driver, {"extra": {name: 1}})
    assert isinstance(end, GenerationFailed)
    assert end.failure.code == "bad_request"
    assert name in end.failure.message
    assert end.failure.hint == f"did you mean {near}?" if near else end.failure.hint
