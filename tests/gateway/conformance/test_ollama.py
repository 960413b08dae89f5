"""Ollama's protocol as its documentation and SDK have it: what is refused and how, and what answers hold."""

import json
from typing import Any

import httpx2
import ollama
import pytest

from tests.gateway.conformance.rows import RAW, Row, changed, named, refused
from tests.gateway.conformance.strictly import strictly
from tests.gateway.conformance.test_openai import DOT, TOOL

USER = {"role": "user", "content": "one two"}
PICTURE = DOT.partition(",")[2]
CHAT = {"model": "echo", "messages": [USER], "stream": False}
GENERATE = {"model": "echo", "prompt": "one two", "stream": False}
COUNTS = ("prompt_eval_count", "eval_count")
DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


def options(**given: Any) -> dict[str, Any]:
    return {"options": given}


def said(**message: Any) -> dict[str, Any]:
    return {"messages": [{**USER, **message}]}


def envelope(answer: httpx2.Response) -> None:
    """Ollama's."""
    assert set(answer.json()) == {"error"}
    assert isinstance(answer.json()["error"], str)


COMMON = [
    Row("unknown model", {"model": "no-such-model"}, 404),
    Row("no model", {"model": ...}),
    Row("empty model", {"model": ""}),
    Row("model is a number", {"model": 3}),
    Row("unknown format", {"format": "xml"}),
    Row("a schema that is none", {"format": {"type": 3}}),
    Row("think very", {"think": "very"}),
    Row("options are a text", {"options": "x"}),
    Row("temperature is hot", options(temperature="hot")),
    Row("temperature below 0", options(temperature=-1)),
    Row("top_p above 1", options(top_p=2)),
    Row("num_predict is a text", options(num_predict="x")),
    Row("num_ctx is a text", options(num_ctx="x")),
    Row("seed with a fraction", options(seed=1.5)),
    Row("num_gpu is a text", options(num_gpu="all")),
    Row("use_mmap is a number", options(use_mmap=3)),
    Row("mirostat is a text", options(mirostat="x")),
    Row("mirostat above 2", options(mirostat=3)),
    Row("typical_p above 1", options(typical_p=1.5)),
    Row("num_keep is a text", options(num_keep="x")),
    Row("stop is a number", options(stop=3)),
    Row("empty stop", options(stop=[""])),
    Row("unknown keep_alive", {"keep_alive": "soon"}),
    Row("stream is a text", {"stream": "yes"}),
    Row("logprobs is a text", {"logprobs": "yes"}),
    Row("top_logprobs above 20", {"logprobs": True, "top_logprobs": 21}),
    Row("thinking of who cannot", {"model": "smollm2", "think": True}),
]
CHAT_ROWS = [
    *COMMON,
    Row("messages are a text", {"messages": "x"}),
    Row("unknown role", said(role="bot")),
    Row("no role", {"messages": [{"content": "x"}]}),
    Row("content is a number", said(content=3)),
    Row("tools are a text", {"tools": "x"}),
    Row("tool without function", {"tools": [{"type": "function"}]}),
    Row("tools for who has none", {"model": "smollm2", "tools": [TOOL]}),
    Row("broken base64", said(images=["@@"])),
    Row("no picture", said(images=["aGFsbG8="])),
    Row("images are a text", said(images=PICTURE)),
    Row("picture for the blind", {"model": "smollm2", **said(images=[PICTURE])}),
    Row("window", {"model": "smollm2", **said(content="word " * 9000)}),
]
GENERATE_ROWS = [
    *COMMON,
    Row("prompt is a number", {"prompt": 3}),
    Row("a template that wants more", {"template": "{{ range .Messages }}{{ end }}"}),
    Row("a template that is cut off", {"template": "{{ .Prompt"}),
    Row("a template with a gap", {"template": "{{ .Prompt }}", "suffix": "x"}),
    Row("a context of another server", {"context": [1]}),
    Row("a context of raw text", {"context": [1], "raw": True}),
    Row("pictures of raw text", {"images": [PICTURE], "raw": True}),
    Row("a template of raw text", {"template": "{{ .Prompt }}", "raw": True}),
    Row("raw is a text", {"raw": "x"}),
    Row("suffix without fill-in", {"model": "smollm2", "suffix": "x"}),
    Row("picture for the blind", {"model": "smollm2", "images": [PICTURE]}),
    Row("unloading what is not known", {"model": "no-such-model", "prompt": "", "keep_alive": 0}, 404),
]


@pytest.mark.parametrize("row", CHAT_ROWS, ids=named)
def test_wrong_chats(http: httpx2.Client, row: Row) -> None:
    refused(http, "/api/chat", CHAT, row, envelope)


def test_an_unknown_model_is_told_in_the_words_that_clients_look_for(http: httpx2.Client) -> None:
    answer = http.post("/api/chat", json={**CHAT, "model": "no-such-model"})
    assert "model 'no-such-model' not found" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "wish", "lacks"),
    [
        ("/api/chat", {"messages": [USER], "think": True}, "thinking"),
        ("/api/generate", {"prompt": "x", "think": True}, "thinking"),
        ("/api/chat", {"messages": [USER], "tools": [TOOL]}, "tools"),
        ("/api/generate", {"prompt": "x", "suffix": "y"}, "insert"),
    ],
)
def test_what_a_model_cannot_is_told_in_the_words_that_clients_look_for(
    http: httpx2.Client, path: str, wish: dict[str, Any], lacks: str
) -> None:
    """They ask once more without it then."""
    answer = http.post(path, json={"model": "smollm2", "stream": False, **wish})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f'"smollm2" does not support {lacks}')


@pytest.mark.parametrize(
    ("path", "wish", "place"),
    [
        ("/api/chat", {"messages": [USER], "think": 5}, "think"),
        ("/api/chat", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ("/api/generate", {"prompt": "x", "options": {"use_mmap": 3}}, "options.use_mmap"),
        ("/api/generate", {"prompt": "x", "options": {"num_predict": 2.7}}, "options.num_predict"),
        ("/api/chat", {"messages": [USER], "options": {"num_ctx": -1}}, "options.num_ctx"),
        ("/api/chat", {"messages": [USER], "options": {"temperature": -1}}, "options.temperature"),
        ("/api/generate", {"prompt": "x", "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ("/api/embed", {"input": 5}, "input"),
    ],
)
def test_a_refusal_says_which_field_is_wrong(
    http: httpx2.Client, path: str, wish: dict[str, Any], place: str
) -> None:
    answer = http.post(path, json={"model": "echo", **wish})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{place}: ")


@pytest.mark.parametrize("row", GENERATE_ROWS, ids=named)
def test_wrong_generations(http: httpx2.Client, row: Row) -> None:
    refused(http, "/api/generate", GENERATE, row, envelope)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/embed", {"input": "x"}, 400),
        ("POST", "/api/embed", {"model": "echo", "input": 3}, 400),
        ("POST", "/api/embed", {"model": "echo", "input": [3]}, 400),
        ("POST", "/api/embed", {"model": "echo", "input": "x", "dimensions": -1}, 400),
        ("POST", "/api/embed", {"model": "echo", "input": "x", "truncate": "no"}, 400),
        ("POST", "/api/embed", {"model": "smollm2", "input": "x"}, 400),
        ("POST", "/api/embed", {"model": "no-such-model", "input": "x"}, 404),
        ("POST", "/api/embeddings", {"prompt": "x"}, 400),
        ("POST", "/api/embeddings", {"model": "no-such-model", "prompt": ""}, 404),
        ("POST", "/api/show", {}, 400),
        ("POST", "/api/show", {"model": "no-such-model"}, 404),
        ("POST", "/api/pull", {}, 400),
        ("POST", "/api/copy", {"source": "echo"}, 400),
        ("POST", "/api/copy", {"source": "", "destination": "x"}, 400),
        ("POST", "/api/copy", {"source": ":latest", "destination": "x"}, 400),
        ("POST", "/api/copy", {"source": "echo", "destination": " "}, 400),
        ("POST", "/api/copy", {"source": "no-such-model", "destination": "x"}, 404),
        ("POST", "/api/create", {"model": "x"}, 400),
        ("DELETE", "/api/delete", {}, 400),
        ("DELETE", "/api/delete", {"model": "no-such-model"}, 404),
        ("POST", "/api/push", {"model": "echo"}, 501),
        ("GET", "/api/chat", {}, 405),
        ("POST", "/api/tags", {}, 405),
        ("GET", "/api/nothing", {}, 404),
    ],
    ids=str,
)
def test_wrong_requests_elsewhere(
    http: httpx2.Client, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = http.request(method, path, content=json.dumps(body))
    assert answer.status_code == status, answer.text
    envelope(answer)


@pytest.mark.parametrize(("what", "body"), RAW, ids=[what for what, _ in RAW])
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate", "/api/embed", "/api/show"])
def test_what_is_no_json_object(http: httpx2.Client, path: str, what: str, body: bytes) -> None:
    answer = http.post(path, content=body)
    assert answer.status_code == 400
    envelope(answer)


HINTS = options(
    num_gpu=99, main_gpu=0, num_thread=2, num_batch=512, use_mmap=True, use_mlock=False, numa=False, bogus=1
)
CALLED_WITH_NULLS = [
    USER,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": None, "function": {"name": "f", "arguments": None}}],
    },
    {"role": "tool", "content": None, "tool_name": None, "tool_call_id": None},
]
CHATS: list[dict[str, Any]] = [
    {},
    {"think": True},
    {"bogus": 1},
    HINTS,
    options(num_predict=1),
    {"model": "smollm2", **options(num_predict=2, repeat_last_n=-1, temperature=0)},
    options(num_predict=9.0, num_ctx=4096.0, seed=42.0, num_gpu=1.0, top_p=1),
    {"messages": [{"role": "tool", "content": "x", "tool_name": "f"}, USER]},
    options(num_predict=0),
    {"format": "json"},
    {"keep_alive": "-1s"},
    {"messages": [USER, {"role": "assistant", "content": "begun "}]},
    said(**dict.fromkeys(("thinking", "images", "tool_calls", "tool_name", "tool_call_id"))),
    {"messages": [*CALLED_WITH_NULLS, USER]},
    dict.fromkeys(("format", "options", "keep_alive", "think", "tools", "truncate", "logprobs")),
]
"""What nobody says may stand there as null, as with Ollama, which is written in Go."""


@pytest.mark.parametrize("change", CHATS, ids=str)
def test_chats_hold_what_is_published(http: httpx2.Client, change: dict[str, Any]) -> None:
    body = changed(CHAT, change)
    answer = http.post("/api/chat?bogus=1", json=body)
    assert answer.status_code == 200, answer.text
    strictly(ollama.ChatResponse, answer.json())
    lines = http.post("/api/chat", json=changed(body, {"stream": ...})).text
    *pieces, last = [json.loads(line) for line in lines.splitlines()]
    for piece in [*pieces, last, answer.json()]:
        strictly(ollama.ChatResponse, piece)
        assert {"model", "created_at", "message", "done"} <= set(piece)
        assert piece["message"]["role"] == "assistant"
    assert "".join(piece["message"]["content"] for piece in pieces) == answer.json()["message"]["content"]
    for end in (last, answer.json()):
        assert end["done_reason"] in ("stop", "length")
        assert all(isinstance(end[name], int) for name in COUNTS + DURATIONS)


def test_a_form_that_goes_round_is_told_as_cut_off(http: httpx2.Client) -> None:
    """The starter is stopped where it repeats itself; who trusts the end of an answer reads it as JSON."""
    form = {"type": "array", "items": {"const": "a wonderful, wonderful day"}, "minItems": 99}
    body = {"model": "smollm2", "messages": [USER], "format": form, "options": {"num_predict": 900}}
    answer = http.post("/api/chat", json={**body, "stream": False}).json()
    assert (answer["done_reason"], answer["eval_count"] < 900) == ("length", True)
    assert answer["eval_duration"] > 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer["message"]["content"])


def test_what_is_done_without_a_word_is_no_json(http: httpx2.Client) -> None:
    for method, path, body in (
        ("POST", "/api/copy", {"source": "echo", "destination": "again"}),
        ("DELETE", "/api/delete", {"model": "again"}),
    ):
        answer = http.request(method, path, json=body)
        assert (answer.status_code, answer.content) == (200, b"")
        assert "content-type" not in answer.headers


def test_texts_hold_what_is_published(http: httpx2.Client) -> None:
    nulls = dict.fromkeys(("suffix", "system", "template", "images", "format", "options", "context", "raw"))
    for change in ({}, {"think": True}, {"system": "Be brief."}, {"images": [PICTURE]}, HINTS, nulls):
        answer = http.post("/api/generate", json={**GENERATE, **change})
        assert answer.status_code == 200, answer.text
        strictly(ollama.GenerateResponse, answer.json())
        assert all(isinstance(answer.json()[name], int) for name in COUNTS + DURATIONS)


def test_lists_hold_what_is_published_and_agree(http: httpx2.Client) -> None:
    http.post("/api/generate", json={"model": "smollm2"})
    tags, loaded = http.get("/api/tags").json(), http.get("/api/ps").json()
    strictly(ollama.ListResponse, tags)
    strictly(ollama.ProcessResponse, loaded)
    [tag] = [one for one in tags["models"] if one["name"] == "smollm2:latest"]
    [worker] = [one for one in loaded["models"] if one["name"] == "smollm2:latest"]
    for same in ("name", "model", "digest", "details"):
        assert tag[same] == worker[same]
    shown = http.post("/api/show", json={"model": "smollm2"}).json()
    strictly(ollama.ShowResponse, shown)
    assert shown["details"] == tag["details"]


def test_vectors_hold_what_is_published(http: httpx2.Client) -> None:
    both = http.post("/api/embed", json={"model": "echo", "input": ["one", "two words"]}).json()
    strictly(ollama.EmbedResponse, both)
    for text, vector in zip(["one", "two words"], both["embeddings"], strict=True):
        assert http.post("/api/embed", json={"model": "echo", "input": text}).json()["embeddings"] == [vector]
    strictly(
        ollama.EmbeddingsResponse, http.post("/api/embeddings", json={"model": "echo", "prompt": "x"}).json()
    )


def test_a_conversation_goes_on_by_its_context(http: httpx2.Client) -> None:
    def asked(**body: Any) -> Any:
        answer = http.post("/api/generate", json={"model": "smollm2", "options": {"num_predict": 4}, **body})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()][-1]

    first = asked(prompt="My name is Ann.", system="Be brief.")
    whole = asked(prompt="My name is Ann.", system="Be brief.", stream=False)
    assert whole["prompt_eval_count"] == first["prompt_eval_count"]
    second = asked(prompt="Who am I?", context=first["context"])
    assert second["prompt_eval_count"] > first["prompt_eval_count"] + 4
    assert len(second["context"]) > len(first["context"])
    assert "context" not in asked(prompt="One, two,", raw=True)


def test_a_template_of_the_clients_own_is_filled_in(http: httpx2.Client) -> None:
    body = {"prompt": "P", "system": "S", "template": "{{ .System }} and {{ .Prompt }}", "stream": False}
    answer = http.post("/api/generate", json={"model": "echo", **body})
    assert answer.json()["response"].split() == ["S", "and", "P"]


def test_models_are_shown_with_what_made_them(http: httpx2.Client) -> None:
    told = http.post("/api/show", json={"model": "smollm2"}).json()["modelfile"]
    assert told.startswith("FROM smollm2\nTEMPLATE ")
    assert "\nPARAMETER temperature 0.2\n" in told


def test_lists_tell_what_each_model_can_and_how_large_it_is(http: httpx2.Client) -> None:
    """As Ollama does since 0.24."""
    [tag] = [one for one in http.get("/api/tags").json()["models"] if one["name"] == "smollm2:latest"]
    assert tag["capabilities"] == ["completion"]
    assert (tag["details"]["context_length"], tag["details"]["embedding_length"]) == (8192, 576)


def test_a_name_is_made_in_lines_unless_a_whole_answer_is_wanted(http: httpx2.Client) -> None:
    for wish, kind in (({}, "application/x-ndjson"), ({"stream": False}, "application/json")):
        answer = http.post("/api/create", json={"model": "lined", "from": "echo", **wish})
        assert answer.headers["content-type"] == kind
        assert json.loads(answer.text.splitlines()[-1]) == {"status": "success"}
    assert http.request("DELETE", "/api/delete", json={"model": "lined"}).status_code == 200


def test_files_that_are_no_models_are_refused_whatever_they_say_they_are(http: httpx2.Client) -> None:
    octets = {"content-type": "application/octet-stream"}
    for digest in ("sha256:0", "sha256:" + "0" * 64):
        answer = http.post(f"/api/blobs/{digest}", content=b"x", headers=octets)
        assert answer.status_code == 400
        envelope(answer)
    assert http.head("/api/blobs/sha256:" + "0" * 64).status_code == 404


def test_models_are_shown_as_ollama_shows_the_same_file(http: httpx2.Client, ollama_url: str) -> None:
    """What Ollama leaves out of `model_info` is not there, the window is the one that the model gets."""
    for wish in ({}, {"verbose": True}):
        body = {"model": "smollm2", **wish}
        ours = http.post("/api/show", json=body).json()
        theirs = httpx2.post(f"{ollama_url}/api/show", json=body, timeout=120, trust_env=False).json()
        assert ours["model_info"] == theirs["model_info"]
        assert ours["tensors"] == theirs["tensors"]
        assert ours["capabilities"] == theirs["capabilities"]
    assert len(ours["model_info"]["tokenizer.ggml.tokens"]) == 49152
    assert http.post("/api/show", json={"model": "smollm2", "verbose": "yes"}).status_code == 400
