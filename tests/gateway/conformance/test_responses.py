"""OpenAI's responses as they are published: what is refused, answers and events held to the SDK's types, and
what goes on in the background."""

from typing import Any

import httpx2
import pytest
from openai.types import responses
from openai.types.responses.input_token_count_response import InputTokenCountResponse

from tests.gateway.conformance.rows import RAW, Row, changed, named, refused
from tests.gateway.conformance.strictly import by_type, events, strictly
from tests.gateway.conformance.test_openai import DOT, FUNCTION, envelope
from tests.process.eventually import eventually

TOOL = {"type": "function", **FUNCTION}
TEXT = {"type": "output_text", "text": "two"}
EVENTS = by_type(responses.ResponseStreamEvent)


def said(*parts: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


def picture(url: str) -> dict[str, Any]:
    return said({"type": "input_image", "image_url": url})


def form(**form: Any) -> dict[str, Any]:
    return {"text": {"format": form}}


RESPONSE = {"model": "echo", "input": "one two"}
ROWS = [
    Row("unknown model", {"model": "no-such-model"}, 404),
    Row("model is a number", {"model": 3}, param="model"),
    Row("no input", {"input": ...}, param="input"),
    Row("input is a number", {"input": 3}, param="input"),
    Row("empty input", {"input": ""}),
    Row("item is a text", {"input": ["x"]}, param="input[0]"),
    Row("unknown item", {"input": [{"type": "bogus"}]}, param="input[0].type"),
    Row("unknown role", {"input": [{"role": "bot", "content": "x"}]}, param="input[0].role"),
    Row("unknown part", said({"type": "bogus"}), param="input[0].content[0].type"),
    Row("call without id", {"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
        param="input[0].call_id"),
    Row("output of no call", {"input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]}),
    Row("output of no call, for who knows no tools", {"model": "smollm2", "input": [
        {"type": "function_call_output", "call_id": "a", "output": "x"},
    ]}, param="input"),
    Row("call without output", {"input": [
        {"role": "user", "content": "x"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
    ]}, param="input"),
    Row("unknown reference", {"input": [{"type": "item_reference", "id": "msg_none"}]}, param="input[0].id"),
    Row("unknown previous", {"previous_response_id": "resp_none"}, param="previous_response_id"),
    Row("instructions are a number", {"instructions": 3}, param="instructions"),
    Row("max_output_tokens 0", {"max_output_tokens": 0}, param="max_output_tokens"),
    Row("max_tool_calls 0", {"max_tool_calls": 0}, param="max_tool_calls"),
    Row("temperature above 2", {"temperature": 3}, param="temperature"),
    Row("top_p above 1", {"top_p": 2}, param="top_p"),
    Row("top_logprobs above 20", {"top_logprobs": 21}, param="top_logprobs"),
    Row("unknown format", form(type="xml"), param="text.format.type"),
    Row("no schema", form(type="json_schema", name="a"), param="text.format.schema"),
    Row("a schema's name with a space", form(type="json_schema", name="a b", schema={"type": "object"}),
        param="text.format.name"),
    Row("a schema's name with a newline", form(type="json_schema", name="a\n", schema={"type": "object"}),
        param="text.format.name"),
    Row("a schema that is none", form(type="json_schema", name="a", schema={"type": 3}),
        param="text.format.schema"),
    Row("stream_options of no stream", {"stream_options": {"include_obfuscation": False}},
        param="stream_options"),
    Row("n_predict 0", {"n_predict": 0}, param="max_output_tokens"),
    Row("moderation", {"moderation": {"model": "x"}}, param="moderation"),
    Row("unknown verbosity", {"text": {"verbosity": "huge"}}, param="text.verbosity"),
    Row("tools are a text", {"tools": "x"}, param="tools"),
    Row("tool without type", {"tools": [{"name": "f"}]}, param="tools[0].type"),
    Row("tool without name", {"tools": [{"type": "function"}]}, param="tools[0].name"),
    Row("unknown tool_choice", {"tools": [TOOL], "tool_choice": "maybe"}, param="tool_choice"),
    Row("tool_choice of no tool", {"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}},
        param="tool_choice"),
    Row("tool_choice without tools", {"tool_choice": "required"}, param="tool_choice"),
    Row("unknown effort", {"reasoning": {"effort": "very"}}, param="reasoning.effort"),
    Row("unknown include", {"include": ["everything"]}, param="include[0]"),
    Row("store is a text", {"store": "x"}, param="store"),
    Row("stream is a text", {"stream": "x"}, param="stream"),
    Row("background without store", {"background": True, "store": False}, param="background"),
    Row("unknown truncation", {"truncation": "some"}, param="truncation"),
    Row("metadata of numbers", {"metadata": {"a": 1}}),
    Row("too much metadata", {"metadata": {str(n): "x" for n in range(17)}}, param="metadata"),
    Row("unknown service_tier", {"service_tier": "best"}, param="service_tier"),
    Row("a conversation", {"conversation": "conv_1"}, param="conversation"),
    Row("a prompt kept elsewhere", {"prompt": {"id": "x"}}, param="prompt"),
    Row("unknown field", {"bogus": 1}, param="bogus"),
    Row("broken base64", picture("data:image/png;base64,@@"), param="input[0].content[0].image_url"),
    Row("picture elsewhere", picture("http://x/y.png"), param="input[0].content[0].image_url"),
    Row("picture for the blind", {"model": "smollm2", **picture(DOT)}),
    Row("file kept elsewhere", said({"type": "input_file", "file_id": "x"}),
        param="input[0].content[0].file_id"),
    Row("window", {"model": "smollm2", "input": "word " * 9000}),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_wrong_responses(http: httpx2.Client, row: Row) -> None:
    refused(http, "/v1/responses", RESPONSE, row, envelope)


@pytest.mark.parametrize(("what", "body"), RAW, ids=[what for what, _ in RAW])
def test_what_is_no_json_object(http: httpx2.Client, what: str, body: bytes) -> None:
    answer = http.post("/v1/responses", content=body)
    assert answer.status_code == 400
    envelope(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_none"),
        ("DELETE", "/v1/responses/resp_none"),
        ("GET", "/v1/responses/resp_none/input_items"),
        ("POST", "/v1/responses/resp_none/cancel"),
    ],
)
def test_what_is_not_kept_is_not_found(http: httpx2.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 404
    envelope(answer)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/input_items?limit=0", "limit"),
        ("/input_items?limit=x", "limit"),
        (f"/input_items?limit={'9' * 5000}", "limit"),
        ("/input_items?order=up", "order"),
        ("/input_items?after=item_none", "after"),
        ("?stream=true", "stream"),
        ("?stream=maybe", "stream"),
        ("?starting_after=x", "starting_after"),
        ("?starting_after=-5", "starting_after"),
        (f"?starting_after={'9' * 5000}", "starting_after"),
        ("?starting_after=-1", "starting_after"),
        ("?include_obfuscation=perhaps", "include_obfuscation"),
        ("?include=everything", "include[0]"),
        ("?include[]=reasoning.encrypted_content&include[]=everything", "include[1]"),
        ("/input_items?include=everything", "include[0]"),
    ],
)
def test_wrong_questions_about_what_is_kept(http: httpx2.Client, path: str, param: str) -> None:
    kept = http.post("/v1/responses", json=RESPONSE).json()["id"]
    answer = http.get(f"/v1/responses/{kept}{path}")
    assert answer.status_code == 400
    assert envelope(answer) == param


def test_what_may_be_included_is_known(http: httpx2.Client) -> None:
    kept = http.post("/v1/responses", json=RESPONSE).json()["id"]
    for path in ("", "/input_items"):
        wanted = "include[]=reasoning.encrypted_content&include[]=message.input_image.image_url"
        assert http.get(f"/v1/responses/{kept}{path}?{wanted}").status_code == 200


def test_nothing_is_compacted(http: httpx2.Client) -> None:
    answer = http.post("/v1/responses/compact", json=RESPONSE)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (501, "false")
    assert "compacted" in answer.json()["error"]["message"]


def test_each_piece_of_text_is_told_with_its_probabilities(http: httpx2.Client) -> None:
    body = {"model": "smollm2", "input": "Apples", "max_output_tokens": 16, "top_logprobs": 1, "stream": True}
    found = events(http.post("/v1/responses", json=body).text)
    deltas = [event for event in found if event["type"] == "response.output_text.delta"]
    assert deltas
    for delta in deltas:
        assert "".join(token["token"] for token in delta["logprobs"]) == delta["delta"]


RESPONSES: list[dict[str, Any]] = [
    {},
    {"reasoning": {"effort": "high"}},
    {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    {"model": "smollm2", "max_output_tokens": 3, "top_logprobs": 2},
    {"model": "caller", "tools": [TOOL], "tool_choice": "required", "max_output_tokens": 80},
    {"model": "caller", "tools": [TOOL], "tool_choice": "required", "max_output_tokens": 80,
     **form(type="json_object")},
    form(type="json_schema", name="a", schema=FUNCTION["parameters"]),
    {"instructions": "Be brief.", "metadata": {"a": "b"}, "temperature": 0.3, "user": "me", "top_p": 0.5,
     "service_tier": "flex", "max_tool_calls": 1, "prompt_cache_key": "k", "safety_identifier": "s"},
    {"input": []},
]  # fmt: skip


@pytest.mark.parametrize("change", RESPONSES, ids=str)
def test_responses_are_of_the_published_type(http: httpx2.Client, change: dict[str, Any]) -> None:
    body = changed(RESPONSE, change)
    answer = http.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    strictly(responses.Response, answer.json())
    found = events(http.post("/v1/responses", json={**body, "stream": True}).text)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        strictly(EVENTS[event["type"]], event)
    ended = found[-1]["response"]
    assert ended["status"] == answer.json()["status"]
    # A body in one piece that came late says in itself what its headers could not say.
    assert set(ended) == set(answer.json()) - {"ai_pal"}
    assert http.get(f"/v1/responses/{ended['id']}").json() == ended


def test_what_was_said_is_listed_as_it_is_published(http: httpx2.Client) -> None:
    history = [
        {"role": "user", "content": "one"},
        {"type": "message", "role": "assistant", "content": [TEXT]},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "sunny"},
        said({"type": "input_text", "text": "three"}, {"type": "input_image", "image_url": DOT})["input"][0],
    ]
    kept = http.post("/v1/responses", json={"model": "echo", "input": history}).json()["id"]
    strictly(responses.ResponseItemList, http.get(f"/v1/responses/{kept}/input_items").json())


def test_what_goes_on_in_the_background_is_come_back_for(http: httpx2.Client) -> None:
    begun = http.post("/v1/responses", json={**RESPONSE, "background": True}).json()
    strictly(responses.Response, begun)
    assert (begun["status"], begun["background"], begun["output"]) == ("queued", True, [])

    def ended() -> Any:
        now = http.get(f"/v1/responses/{begun['id']}").json()
        return now if now["status"] not in ("queued", "in_progress") else None

    answer = eventually(ended)
    strictly(responses.Response, answer)
    assert answer["output"][0]["content"][0]["text"] == "one two "
    followed = events(http.get(f"/v1/responses/{begun['id']}?stream=true&starting_after=1").text)
    assert followed[0]["sequence_number"] == 2
    assert followed[-1]["response"] == answer
    after = f"?stream=true&starting_after={followed[-1]['sequence_number']}"
    nothing = http.get(f"/v1/responses/{begun['id']}{after}")
    assert (nothing.status_code, nothing.text) == (200, "")
    assert nothing.headers["content-type"].startswith("text/event-stream")
    assert http.post(f"/v1/responses/{begun['id']}/cancel").json() == answer
    again = http.post("/v1/responses", json={**RESPONSE, "previous_response_id": begun["id"]})
    assert again.json()["usage"]["input_tokens"] > answer["usage"]["input_tokens"]
    assert http.delete(f"/v1/responses/{begun['id']}").json()["deleted"]
    assert http.get(f"/v1/responses/{begun['id']}").status_code == 404


def test_a_stream_in_the_background_has_all_events(http: httpx2.Client) -> None:
    found = events(http.post("/v1/responses", json={**RESPONSE, "background": True, "stream": True}).text)
    assert [event["type"].removeprefix("response.") for event in found[:3]] == [
        *("created", "queued", "in_progress")
    ]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        strictly(EVENTS[event["type"]], event)
    assert found[-1]["response"]["status"] == "completed"


def test_what_goes_on_in_the_background_is_cancelled(http: httpx2.Client) -> None:
    body = {**RESPONSE, "model": "echo?load_seconds=600", "background": True}
    begun = http.post("/v1/responses", json=body).json()
    items = http.get(f"/v1/responses/{begun['id']}/input_items").json()
    assert [item["content"][0]["text"] for item in items["data"]] == ["one two"]
    cancelled = http.post(f"/v1/responses/{begun['id']}/cancel").json()
    strictly(responses.Response, cancelled)
    assert cancelled["status"] == "cancelled"
    assert http.get(f"/v1/responses/{begun['id']}").json() == cancelled
    followed = events(http.get(f"/v1/responses/{begun['id']}?stream=true").text)
    for event in followed:
        strictly(EVENTS[event["type"]], event)
    assert (followed[-1]["type"], followed[-1]["response"]) == ("response.incomplete", cancelled)
    unknown = http.post("/v1/responses", json={**RESPONSE, "model": "no-such-model", "background": True})
    failed = eventually(
        lambda: (now := http.get(f"/v1/responses/{unknown.json()['id']}").json())["error"] and now
    )
    assert failed["status"] == "failed"


def test_its_tokens_are_counted_before_it_is_asked(http: httpx2.Client) -> None:
    first = http.post("/v1/responses", json={**RESPONSE, "instructions": "Be brief."}).json()
    for more in ({"instructions": "Be brief."}, {"previous_response_id": first["id"]}, {"tools": [TOOL]}):
        body = {**RESPONSE, **more}
        counted = http.post("/v1/responses/input_tokens", json=body)
        assert counted.status_code == 200, counted.text
        strictly(InputTokenCountResponse, counted.json())
        asked = http.post("/v1/responses", json=body).json()["usage"]["input_tokens"]
        assert counted.json()["input_tokens"] == asked
    refused(http, "/v1/responses/input_tokens", RESPONSE, Row("", {"input": 3}, param="input"), envelope)
