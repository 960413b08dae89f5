"""A model of a real size calls tools, uses their results and fills in, in both engines. Only where
AI_PAL_TEST_LARGE_MODEL names the file that `scripts/fetch_large_model.py` fetches: it takes minutes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import Client
from ai_pal.client.daemon import connect
from ai_pal.config import load_settings
from ai_pal.protocol.content import ToolCall
from scripts.gguf_to_safetensors import convert_once
from tests.process.homes import environment, stop_supervisor

FILE = os.environ.get("AI_PAL_TEST_LARGE_MODEL", "")
pytestmark = [
    pytest.mark.real_model,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not FILE, reason="AI_PAL_TEST_LARGE_MODEL names no file"),
]

PLAINLY = "Use tools for what you do not know. Say what they told in one sentence."
Asked = tuple[Client, str]


def weather(city: str) -> dict[str, object]:
    """Tells the weather of a city, as it is now."""
    return {"city": city, "sky": "heavy snow", "celsius": -7}


def multiply(a: int, b: int) -> int:
    """Multiplies two whole numbers."""
    return a * b


@pytest.fixture(scope="module", params=["llamacpp", "transformers"])
def model(request: pytest.FixtureRequest) -> str:
    """The reference of the model; converted, once, where the engine wants that (a few minutes, 5.5 GB)."""
    file = Path(FILE)
    if request.param == "transformers":
        folder = file.with_suffix("")
        convert_once(file, folder)
        return f"{folder}?context=2048"
    return f"{file}?context=2048"


@pytest.fixture
def asked(model: str, ai_pal_home: Path) -> Iterator[Asked]:
    with connect(load_settings().settings) as client:
        yield client, model
    stop_supervisor(environment(ai_pal_home))


def how(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "temperature": 0.0, "max_tokens": 80, **more}


def test_it_calls_a_tool_and_uses_what_it_tells(asked: Asked) -> None:
    client, model = asked
    calls: list[ToolCall] = []
    told = how(model, system=PLAINLY, on_call=calls.append)
    answer = client.run_tools([weather, multiply], "What is the weather in Paris?", **told)
    assert [(call.name, call.arguments) for call in calls] == [("weather", '{"city": "Paris"}')]
    assert "snow" in answer.text
    calls.clear()
    answer = client.run_tools([multiply], "What is 1234 times 4321?", **told)
    assert [call.name for call in calls] == ["multiply"]
    assert "5332114" in answer.text.replace(",", "")


def test_it_calls_what_it_has_to_and_nothing_that_it_must_not(asked: Asked) -> None:
    client, model = asked
    offered = how(model, tools=[weather, multiply])
    both = "What is the weather in Paris and in Rome?"
    answer = client.ask(both, tool_choice="required", parallel_tool_calls=True, **offered)
    # In the form of its own template it goes on calling: by the library, a line break has 0.999 there.
    assert [call.arguments for call in answer.tool_calls[:2]] == ['{"city": "Paris"}', '{"city": "Rome"}']
    answer = client.ask("What is 2 times 3?", tool_choice="multiply", **offered)
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("multiply", '{"a": 2, "b": 3}')]
    answer = client.ask("What is the weather in Paris?", tool_choice="none", **offered)
    assert answer.text
    assert not answer.tool_calls
    answer = client.ask("Write one sentence about the sea.", **offered)
    assert answer.text
    assert not answer.tool_calls


def test_it_fills_in(asked: Asked) -> None:
    client, model = asked
    before, behind = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"
    answer = client.complete(before, behind, model=model, temperature=0.0, max_tokens=12)
    assert answer.text.strip().startswith("a + b")
