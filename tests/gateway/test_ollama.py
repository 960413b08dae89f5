"""Ollama's own SDK against the gateway, and what its documented curl calls send."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import ollama
import pytest

from tests.gateway import plain_http


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[ollama.Client]:
    with ollama.Client(gateway, timeout=120) as client:
        yield client


def test_an_answer_comes_as_a_whole(client: ollama.Client) -> None:
    answer = client.chat("echo", [{"role": "user", "content": "good morning"}])
    assert answer.message.content == "good morning "
    assert answer.done
    assert answer.done_reason == "stop"
    assert (answer.prompt_eval_count, answer.eval_count) == (2, 2)


def test_an_answer_comes_in_pieces(client: ollama.Client) -> None:
    *pieces, end = client.chat("echo", [{"role": "user", "content": "good morning"}], stream=True)
    assert "".join(piece.message.content or "" for piece in pieces) == "good morning "
    assert not any(piece.done for piece in pieces)
    assert end.done
    assert end.total_duration is not None


def test_a_tool_is_called_and_its_result_goes_back(client: ollama.Client) -> None:
    def weather(city: str) -> str:
        """Tells the weather of a city.

        Args:
            city: its name
        """
        return f"sunny in {city}"

    question = {"role": "user", "content": "weather?"}
    call = {"function": {"name": "weather", "arguments": {"city": "Rome"}}}
    answer = client.chat(
        "caller",
        [
            question,
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_name": "weather", "content": "sunny"},
        ],
        tools=[weather],
        options={"num_predict": 8},
    )
    assert answer.eval_count


def test_an_answer_keeps_to_its_schema(client: ollama.Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = client.generate("smollm2", "A number, as JSON.", format=schema, options={"num_predict": 60})
    assert '"n"' in (answer.response or "")


@pytest.mark.parametrize("key", ["size", "type"])
def test_a_call_or_an_answer_in_a_format_comes_of_tools_beside_it(client: ollama.Client, key: str) -> None:
    """The starter would rather call than tell a size; a type it would tell."""

    def weather(city: Literal["Rome", "Oslo"]) -> str:
        """Tells the weather of a city."""
        return f"sunny in {city}"

    schema = {"type": "object", "properties": {key: {"enum": [1, 2]}}, "required": [key]}
    question = [{"role": "user", "content": "How is the weather in Rome?"}]
    asked: dict[str, Any] = {
        "tools": [weather],
        "format": schema,
        "options": {"num_predict": 80, "temperature": 0},
    }
    pieces = list(client.chat("caller", question, stream=True, **asked))
    calls = [call for piece in pieces for call in piece.message.tool_calls or ()]
    text = "".join(piece.message.content or "" for piece in pieces)
    whole = client.chat("caller", question, **asked).message
    assert (text, bool(calls)) == (whole.content or "", bool(whole.tool_calls))
    assert pieces[-1].done_reason == "stop"
    if calls:
        assert set(calls[0].function.arguments) == {"city"}
        assert not text
    else:
        assert json.loads(text)[key] in (1, 2)


def test_a_text_is_gone_on_with(client: ollama.Client) -> None:
    answer = client.generate("smollm2", "One, two, three,", raw=True, options={"num_predict": 4})
    assert answer.eval_count == 4
    assert answer.done_reason == "length"


def test_an_empty_prompt_loads_and_unloads(client: ollama.Client) -> None:
    assert client.generate("echo").done_reason == "load"
    assert client.chat("echo", [{"role": "user", "content": ""}]).done_reason == "load"
    assert "echo:latest" in [model.model for model in client.ps().models]
    assert client.chat("echo", [], keep_alive=0).done_reason == "unload"
    assert "echo:latest" not in [model.model for model in client.ps().models]


def test_what_is_here_is_listed(client: ollama.Client) -> None:
    [model] = [model for model in client.list().models if model.model == "smollm2:latest"]
    assert model.size
    assert client.chat("smollm2:latest", [{"role": "user", "content": "Hi"}], options={"num_predict": 1}).done


def test_a_form_as_curl_sends_it_is_json_too(gateway: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b'{"model": "echo", "prompt": "good morning", "stream": false}'
    answer = plain_http.post(f"{gateway}/api/generate", content=body, headers=form)
    assert answer.json()["response"] == "good morning "
    page = {**form, "origin": gateway}
    assert plain_http.post(f"{gateway}/api/generate", content=body, headers=page).status_code == 415


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"format": "xml"}, 400),
        ({"options": {"num_gpu": "all"}}, 400),
        ({"model": ""}, 400),
        ({"options": {"temperature": "hot"}}, 400),
        ({"think": "a little"}, 400),
        ({"model": "no-such-model"}, 404),
    ],
)
def test_what_is_wrong_is_said_as_ollama_says_it(gateway: str, wrong: dict[str, object], status: int) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "x"}], **wrong}
    answer = plain_http.post(f"{gateway}/api/chat", json=body)
    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)
