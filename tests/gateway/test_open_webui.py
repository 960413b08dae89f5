"""Open WebUI against the gateway: what it asks of an Ollama and of a server of OpenAI's protocol, from its
start to the removal of a model."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import tiny_gguf
from tests.gateway.conftest import Served
from tests.gateway.keyed import keyed_server
from tests.gateway.open_webui import OpenWebUI
from tests.hub import repositories as repos
from tests.hub.loopback import Hub

SAID: list[dict[str, Any]] = [{"role": "user", "content": "one two three"}]
CHORES = ["a title", "follow-ups", "tags", "a query", "an emoji"]
CALLED = {"index": 0, "id": "call_1", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
WITH_TOOLS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    *SAID,
    {"role": "assistant", "tool_calls": [CALLED], "content": ""},
    {"role": "tool", "content": "sunny", "tool_call_id": "call_1"},
]
TOOL = {"type": "function", "function": {"name": "weather", "description": "", "parameters": {}}}
TEXTS = ["The sea is deep.", "word " * 40, "Über 数"]


@pytest.fixture(scope="module")
def keyed() -> Iterator[tuple[OpenWebUI, OpenWebUI]]:
    """Connected to one that wants keys: with a key that may manage, and without one."""
    with keyed_server("") as found:
        yield OpenWebUI(found.url, found.keys["owner"]), OpenWebUI(found.url)


@pytest.fixture
def page(own: Served) -> OpenWebUI:
    """Connected to one without keys."""
    return OpenWebUI(own.url)


def connects(page: OpenWebUI) -> None:
    """It verifies both connections, and lists models with what is loaded of them."""
    version = page.get("/api/version")["version"]
    assert tuple(map(int, re.sub(r"^v|-.*", "", version).split("."))) >= (0, 13, 4)
    page.ask("/api/generate", {"model": "echo:latest", "prompt": "", "keep_alive": "5m"})
    assert "auto:latest" in {one["model"]: one["name"] for one in page.get("/api/tags")["models"]}
    loaded = {one["name"]: one["expires_at"] for one in page.get("/api/ps")["models"]}
    assert datetime.fromisoformat(loaded["echo:latest"]).timestamp() > 0
    assert "auto" in [one["id"] for one in page.get("/v1/models")["data"]]


def chats(page: OpenWebUI) -> None:
    """An answer of each door, streamed."""
    options = {"temperature": 0.5, "num_predict": 9, "num_gpu": 1, "reasoning_effort": "low"}
    *pieces, last = page.lines(
        "/api/chat", {"model": "echo:latest", "messages": SAID, "stream": True, "options": options}
    )
    assert "".join(one["message"]["content"] for one in pieces) == "one two three "
    assert (last["done"], last["eval_count"] > 0, last["eval_duration"] >= 0) == (True, True, True)
    body = {"model": "echo", "messages": SAID, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, told, done = page.events("/v1/chat/completions", body)
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks) == "one two three "
    assert (told["usage"]["completion_tokens"] > 0, done) == (True, "[DONE]")


def test_it_connects_and_chats_without_a_key(page: OpenWebUI) -> None:
    connects(page)
    chats(page)


def test_it_connects_and_chats_with_a_key(keyed: tuple[OpenWebUI, OpenWebUI]) -> None:
    with_key, without = keyed
    connects(with_key)
    chats(with_key)
    for path in ("/api/version", "/api/tags", "/v1/models"):
        refused = without.send(path, None, "GET")
        assert (refused.status_code, "error" in refused.json()) == (401, True)


@pytest.mark.parametrize("chore", CHORES)
def test_its_chores_are_done(page: OpenWebUI, chore: str) -> None:
    messages = [{"role": "user", "content": f"### Task:\nGenerate {chore}"}]
    body = {"messages": messages, "stream": False}
    ollama = page.ask("/api/chat", {"model": "echo:latest", **body, "options": {"num_predict": 1000}})
    assert ollama["message"]["content"].split() == messages[0]["content"].split()
    openai = page.ask("/v1/chat/completions", {"model": "echo", **body, "max_tokens": 1000})
    assert openai["choices"][0]["message"]["content"] == ollama["message"]["content"]


def test_results_of_its_tools_come_back(page: OpenWebUI) -> None:
    body = {"messages": WITH_TOOLS, "stream": True, "tools": [TOOL]}
    assert page.lines("/api/chat", {"model": "echo:latest", **body})[-1]["done"]
    nulls = [{**one, "thinking": None, "images": None, "tool_name": None} for one in WITH_TOOLS]
    assert page.lines("/api/chat", {"model": "echo:latest", **body, "messages": nulls})[-1]["done"]


def test_an_answer_is_gone_on_with(page: OpenWebUI) -> None:
    """As it asks a connection that is said to be llama.cpp's."""
    begun = [*SAID, {"role": "assistant", "content": "begun "}]
    how = {"continue_final_message": True, "add_generation_prompt": False}
    body = {"model": "echo", "messages": begun, "stream": True, **how}
    *chunks, done = page.events("/v1/chat/completions", body)
    assert (chunks[-1]["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")
    for wrong in ({"messages": SAID}, {"continue_final_message": False}, {"add_generation_prompt": True}):
        refused = page.send("/v1/chat/completions", {**body, **wrong})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] in how


def test_it_asks_for_responses(page: OpenWebUI) -> None:
    said: list[dict[str, Any]] = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "1"}]},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "two"}]},
    ]
    body = {"model": "echo", "input": said, "instructions": "Be brief.", "stream": True}
    events = page.events("/v1/responses", {**body, "max_output_tokens": 50, "temperature": 0.5})
    last = events[-1]
    assert last["type"] == "response.completed"
    again = {"model": "echo", "input": said[:1], "previous_response_id": last["response"]["id"]}
    assert page.ask("/v1/responses", {**again, "stream": False})["status"] == "completed"


def test_documents_become_vectors_and_ranks(page: OpenWebUI) -> None:
    ollama = page.vectors("/api/embed", TEXTS, truncate=True)["embeddings"]
    openai = [one["embedding"] for one in page.vectors("/v1/embeddings", TEXTS)["data"]]
    for text, one, other in zip(TEXTS, ollama, openai, strict=True):
        assert page.vectors("/api/embed", [text], truncate=True)["embeddings"] == [one]
        assert other == pytest.approx(one, rel=1e-6)
    asked = {"model": "echo", "query": "the sea", "documents": TEXTS, "top_n": len(TEXTS)}
    results = page.ask("/v1/rerank", asked)["results"]
    assert sorted(one["index"] for one in results) == [0, 1, 2]
    assert all(isinstance(one["relevance_score"], float) for one in results)


def test_a_model_is_pulled_shown_copied_and_removed(page: OpenWebUI, hub: Hub) -> None:
    """It allows its admin any registry: `insecure` always stands there."""
    hub.repos["they/tiny"] = repos.llama()
    asked = {"name": "they/tiny", "model": "they/tiny", "insecure": True}
    *progress, last = page.lines("/api/pull", asked)
    assert last["status"] == "success"
    assert any(one.get("completed") == one.get("total") for one in progress if one.get("digest"))
    name = "they/tiny:latest"
    shown = page.ask("/api/show", {"name": name, "model": name})
    assert {"details", "model_info", "capabilities"} <= shown.keys()
    copied = page.send("/api/copy", {"source": name, "destination": "tiny-copy"})
    assert copied.is_success
    for model in ("tiny-copy:latest", name):
        assert page.send("/api/delete", {"name": model, "model": model}, "DELETE").is_success
        assert model not in [one["model"] for one in page.get("/api/tags")["models"]]


def test_a_file_of_its_own_becomes_a_model(page: OpenWebUI, tmp_path: Path) -> None:
    data = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    page.upload(data, sha256)
    body = {"model": "mine.Q4_K_M", "files": {"mine.Q4_K_M.gguf": f"sha256:{sha256}"}, "stream": False}
    assert page.ask("/api/create", body) == {"status": "success"}
    page.ask("/api/show", {"model": "mine.Q4_K_M:latest"})
    page.send("/api/delete", {"model": "mine.Q4_K_M:latest"}, "DELETE")


def test_a_model_is_unloaded(page: OpenWebUI) -> None:
    page.ask("/api/generate", {"model": "echo:latest", "prompt": ""})
    gone = page.ask("/api/generate", {"model": "echo:latest", "keep_alive": 0, "prompt": ""})
    assert gone["done_reason"] == "unload"
    assert "echo:latest" not in [one["name"] for one in page.get("/api/ps")["models"]]


def test_errors_are_told_as_it_reads_them(page: OpenWebUI) -> None:
    for path in ("/api/chat", "/v1/chat/completions"):
        refused = page.send(path, {"model": "no-such-model", "messages": SAID, "stream": True})
        assert refused.status_code == 404
        assert refused.headers["content-type"] == "application/json"
        assert "error" in refused.json()
