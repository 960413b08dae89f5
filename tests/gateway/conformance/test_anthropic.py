"""Anthropic's protocol as it is published: what is refused and how, and answers held to its SDK's types."""

from typing import Any

import httpx2
import pytest
from anthropic import types

from tests.gateway.conformance.rows import RAW, Row, changed, named, refused
from tests.gateway.conformance.strictly import by_type, events, strictly
from tests.gateway.conformance.test_openai import DOT, FUNCTION

USER = {"role": "user", "content": "one two"}
TOOL = {"name": "weather", "input_schema": FUNCTION["parameters"]}
CALL = {"type": "tool_use", "id": "a", "name": "weather", "input": {}}


def said(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def source(data: str, media_type: str = "image/png", kind: str = "image") -> dict[str, Any]:
    return said({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}})


def thinking(**wish: Any) -> dict[str, Any]:
    return {"max_tokens": 2000, "thinking": wish}


def envelope(answer: httpx2.Response) -> None:
    """Anthropic's; places stand in its message."""
    told = answer.json()
    assert set(told) == {"type", "error", "request_id"}
    assert told["type"] == "error"
    assert set(told["error"]) == {"type", "message"}
    kind = {404: "not_found_error"}.get(answer.status_code, "invalid_request_error")
    assert told["error"]["type"] == kind
    assert answer.headers["request-id"] == told["request_id"]


MESSAGE = {"model": "echo", "max_tokens": 50, "messages": [USER]}
ROWS = [
    Row("unknown model", {"model": "no-such-model"}, 404),
    Row("no model", {"model": ...}),
    Row("no max_tokens", {"max_tokens": ...}),
    Row("max_tokens below 0", {"max_tokens": -1}),
    Row("max_tokens is a text", {"max_tokens": "5"}),
    Row("no messages", {"messages": ...}),
    Row("empty messages", {"messages": []}),
    Row("unknown role", {"messages": [{"role": "bot", "content": "x"}]}),
    Row("no content", {"messages": [{"role": "user"}]}),
    Row("empty content", {"messages": [{"role": "user", "content": ""}]}),
    Row("unknown block", said({"type": "bogus"})),
    Row("block without type", said({"text": "x"})),
    Row("temperature above 1", {"temperature": 1.1}),
    Row("temperature is hot", {"temperature": "hot"}),
    Row("top_p above 1", {"top_p": 1.1}),
    Row("top_k below 0", {"top_k": -1}),
    Row("stop_sequences is a text", {"stop_sequences": "x"}),
    Row("empty stop sequence", {"stop_sequences": [""]}),
    Row("stream is a text", {"stream": "yes"}),
    Row("system is a number", {"system": 3}),
    Row("metadata is a number", {"metadata": 3}),
    Row("user_id is a number", {"metadata": {"user_id": 3}}),
    Row("tool without schema", {"tools": [{"name": "weather"}]}),
    Row("tool without name", {"tools": [{"input_schema": {"type": "object"}}]}),
    Row("tool with spaces", {"tools": [{**TOOL, "name": "a b"}]}),
    Row("two tools of a name", {"tools": [TOOL, TOOL]}),
    Row("unknown tool_choice", {"tools": [TOOL], "tool_choice": {"type": "maybe"}}),
    Row("tool_choice is a text", {"tools": [TOOL], "tool_choice": "any"}),
    Row("tool_choice of no tool", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}),
    Row("tool_choice without tools", {"tool_choice": {"type": "any"}}),
    Row("thoughts without budget", thinking(type="enabled")),
    Row("thoughts under 1024", thinking(type="enabled", budget_tokens=1023)),
    Row("more thoughts than answer", thinking(type="enabled", budget_tokens=2000)),
    Row("unknown thinking", thinking(type="sometimes")),
    Row("unknown effort", {"output_config": {"effort": "some"}}),
    Row("unknown service_tier", {"service_tier": "best"}),
    Row("broken base64", source("@@")),
    Row("no picture", source("aGFsbG8=")),
    Row("unknown kind of picture", source(DOT.partition(",")[2], "image/tiff")),
    Row("picture elsewhere", said({"type": "image", "source": {"type": "url", "url": "http://x"}})),
    Row("picture for the blind", {"model": "smollm2", **source(DOT.partition(",")[2])}),
    Row("no PDF", source("aGFsbG8=", "application/pdf", "document")),
    Row("result of no call", said({"type": "tool_result", "tool_use_id": "a", "content": "x"})),
    Row(
        "call without result",
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
                USER,
            ]
        },
    ),
    Row("call without its result", {"messages": [USER, {"role": "assistant", "content": [CALL]}]}),
    Row("servers of tools", {"mcp_servers": [{"type": "url"}]}),
    Row("a summary", {"compaction": {"type": "auto"}}),
    Row("window", {"model": "smollm2", "messages": [{"role": "user", "content": "word " * 9000}]}),
]


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_wrong_messages(http: httpx2.Client, row: Row) -> None:
    refused(http, "/v1/messages", MESSAGE, row, envelope)


@pytest.mark.parametrize("row", [row for row in ROWS if set(row.body) <= {"model", "messages"}], ids=named)
def test_wrong_counts(http: httpx2.Client, row: Row) -> None:
    if row.what not in ("window", "picture for the blind", "empty content"):  # what is counted is not asked
        refused(http, "/v1/messages/count_tokens", {**MESSAGE, "max_tokens": ...}, row, envelope)


@pytest.mark.parametrize(("what", "body"), RAW, ids=[what for what, _ in RAW])
def test_what_is_no_json_object(http: httpx2.Client, what: str, body: bytes) -> None:
    answer = http.post("/v1/messages", content=body)
    assert answer.status_code == 400
    envelope(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/messages", 405), ("POST", "/v1/messages/batches", 404)]
)
def test_wrong_paths_and_methods(http: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    envelope(answer)


EVENTS = by_type(types.RawMessageStreamEvent)
MESSAGES: list[dict[str, Any]] = [
    {},
    {"max_tokens": 1},
    {"bogus": 1, "metadata": {"user_id": "me"}, "service_tier": "auto"},
    thinking(type="enabled", budget_tokens=1024),
    {"model": "caller", "tools": [TOOL], "tool_choice": {"type": "any"}, "max_tokens": 80},
    {
        "model": "caller",
        "tools": [TOOL],
        "tool_choice": {"type": "any"},
        "max_tokens": 80,
        "output_config": {"format": {"type": "json_schema", "schema": FUNCTION["parameters"]}},
    },
    {"messages": [USER, {"role": "assistant", "content": "begun "}]},
    {"stop_sequences": ["nothing", "two"]},
    {"model": "smollm2", "stop_sequences": [*"aeiou "], "max_tokens": 20, "temperature": 0},
]


@pytest.mark.parametrize("change", MESSAGES, ids=str)
def test_messages_are_of_the_published_type(http: httpx2.Client, change: dict[str, Any]) -> None:
    body = changed(MESSAGE, change)
    answer = http.post("/v1/messages?beta=true", json=body)
    assert answer.status_code == 200, answer.text
    strictly(types.Message, answer.json())
    found = events(http.post("/v1/messages", json={**body, "stream": True}).text)
    kinds = [event["type"] for event in found if event["type"] != "ping"]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    for event in found:
        if event["type"] != "ping":  # the SDK has no type for it
            strictly(EVENTS[event["type"]], event)
    last, usage = found[-2]["delta"], found[-2]["usage"]
    prompt = usage["input_tokens"] + usage["cache_read_input_tokens"]  # of what was kept it knows nothing
    assert found[0]["message"]["usage"]["input_tokens"] == prompt
    assert last["stop_reason"] == answer.json()["stop_reason"]
    assert last["stop_sequence"] == answer.json()["stop_sequence"]
    if "stop_sequences" in change:
        assert last["stop_reason"] == "stop_sequence"
        assert last["stop_sequence"] in change["stop_sequences"]


@pytest.mark.parametrize(
    "source",
    [
        {"type": "text", "media_type": "text/plain", "data": "inside"},
        {"type": "content", "content": "inside"},
        {"type": "content", "content": [{"type": "text", "text": "inside"}]},
        {"type": "base64", "media_type": "text/plain", "data": "aW5zaWRl"},
    ],
    ids=str,
)
def test_documents_are_read(http: httpx2.Client, source: dict[str, Any]) -> None:
    document = {"type": "document", "source": source, "title": "a.txt", "context": "from afar"}
    answer = http.post("/v1/messages", json={**MESSAGE, **said(document)}).json()
    told = " ".join(answer["content"][0]["text"].split())
    assert told == 'from afar <document name="a.txt"> inside </document>'


def test_counts_are_of_the_published_type(http: httpx2.Client) -> None:
    answer = http.post("/v1/messages/count_tokens", json={"model": "echo", "messages": [USER]})
    strictly(types.MessageTokensCount, answer.json())


def test_models_are_listed_as_anthropic_does_for_its_clients(http: httpx2.Client) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    page = http.get("/v1/models?limit=1000", headers=headers).json()
    assert (set(page), page["has_more"]) == ({"data", "has_more", "first_id", "last_id"}, False)
    for model in page["data"]:
        strictly(types.ModelInfo, model)
    strictly(types.ModelInfo, http.get("/v1/models/smollm2", headers=headers).json())
    assert http.get("/v1/models").json()["object"] == "list"


def test_models_come_in_pages_and_are_refused_in_its_envelope(http: httpx2.Client) -> None:
    headers = {"anthropic-version": "2023-06-01"}

    def page(query: str) -> Any:
        return http.get(f"/v1/models?{query}", headers=headers).json()

    every = [model["id"] for model in page("limit=1000")["data"]]
    first = page("limit=1")
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (every[:1], True)
    second = page(f"limit=1000&after_id={first['last_id']}")
    assert ([one["id"] for one in second["data"]], second["has_more"]) == (every[1:], False)
    before = page(f"limit=1&before_id={every[-1]}")
    assert [one["id"] for one in before["data"]] == every[-2:-1]
    for path in ("/v1/models?limit=0", "/v1/models?after_id=no-such-model", "/v1/models/no-such-model"):
        answer = http.get(path, headers=headers)
        assert answer.status_code == (400 if "?" in path else 404)
        envelope(answer)
