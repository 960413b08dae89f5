"""Thinking by the templates of known families: the same request has the same outcome in both engines.

The weights are the starter's in llama.cpp, which thinks where a template begins it, and in transformers those
of a small model that thinks until it is made to end. So what is compared is what an answer is made of, and
what is refused."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Generate, GenerationDone, GenerationFailed, LoadModel, Ready
from tests import tiny_models
from tests.worker_driver import Answer, WorkerDriver

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

TEMPLATES = Path(__file__).parent / "templates"
KEYS = count(1)
QUESTION = [Message("system", ""), Message("user", "What is the capital of France?")]
DIGIT = {
    "type": "object",
    "properties": {"a": {"enum": [1, 2]}},
    "required": ["a"],
    "additionalProperties": False,
}
HELD: dict[str, Any] = {"response_format": JsonSchema(DIGIT), "max_tokens": 160}
OFF: dict[str, Any] = {"thinking": "off"}

THOUGHT, TEXT, BOTH, REFUSED = ["reasoning"], ["text"], ["reasoning", "text"], ["unsupported"]


class Row(NamedTuple):
    """What a template's answers are made of, for each way of asking."""

    usual: list[str]
    off: list[str]
    low: list[str]
    budget: list[str]
    no_budget: list[str]
    held: list[str]
    held_off: list[str]
    prefill: list[str]


WAYS: dict[str, dict[str, Any]] = {
    "usual": {},
    "off": OFF,
    "low": {"thinking": "low"},
    "budget": {"thinking_budget": 6},
    "no_budget": {"thinking_budget": 0},
    "held": HELD,
    "held_off": HELD | OFF,
    "prefill": {"prefill": "The"},
}
ROWS = {
    "opens_thought": Row(THOUGHT, TEXT, THOUGHT, BOTH, TEXT, BOTH, TEXT, TEXT),
    "thinks_by_effort": Row(THOUGHT, TEXT, THOUGHT, BOTH, TEXT, BOTH, TEXT, TEXT),
    "may_think": Row(TEXT, TEXT, TEXT, TEXT, TEXT, BOTH, TEXT, TEXT),
    "": Row(TEXT, TEXT, REFUSED, REFUSED, TEXT, TEXT, TEXT, TEXT),
}
"""DeepSeek's R1, whose template opens each thought and has no switch; one that is told how hard to think;
Qwen 3, which may think and is switched; and the starter's own, which knows of no thoughts."""


@contextmanager
def llamacpp(template: str, request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    options = {"chat_template": str(TEMPLATES / f"{template}.jinja")} if template else {}
    spec = LoadModel(
        "m", "llamacpp", str(request.getfixturevalue("starter_model")), options=options, context=1024
    )
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        assert isinstance(driver.load(spec), Ready)
        yield driver


@contextmanager
def transformers(template: str, request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    starter: Path = request.getfixturevalue("starter_safetensors")
    own = TEMPLATES / f"{template}.jinja" if template else starter / "chat_template.jinja"
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "transformers") as driver:
        model = tiny_models.save(Path(folder) / "m", "llama", own.read_text(), max_position_embeddings=2048)
        assert isinstance(driver.load(LoadModel("m", "transformers", str(model), context=1024)), Ready)
        yield driver


def made_of(answer: Answer, way: str) -> list[str]:
    """The kinds of its parts in their order, or why there is none."""
    if isinstance(answer.end, GenerationFailed):
        return [answer.end.failure.code]
    assert isinstance(answer.end, GenerationDone)
    for _, part in sorted(answer.grown.items()):
        assert "think>" not in part.text, (way, part)
        assert part.kind == "text" or part.text == part.text.strip()
    return [part.kind for _, part in sorted(answer.grown.items())]


@pytest.mark.parametrize("engine", [llamacpp, transformers], ids=["llamacpp", "transformers"])
@pytest.mark.parametrize("template", ROWS)
def test_what_is_asked_of_a_template_has_the_same_outcome_in_both_engines(
    template: str, engine: Any, request: pytest.FixtureRequest
) -> None:
    tokens = 24 if engine is llamacpp else 80  # a small vocabulary takes more of them for a mark
    outcomes = {}
    with engine(template, request) as driver:
        for way, asked in WAYS.items():
            options = GenerationOptions(**{"temperature": 0.0, "max_tokens": tokens, **asked})
            outcomes[way] = made_of(driver.do(Generate(next(KEYS), QUESTION, options)), way)
    assert outcomes == ROWS[template]._asdict()
