"""What /metrics and the access log tell of requests."""

import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway import plain_http
from tests.gateway.conftest import Served
from tests.gateway.test_leaving import LOADS, ask
from tests.process.eventually import eventually

ASKED = {"model": "echo", "messages": [{"role": "user", "content": "one two three"}]}


def figures(url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each sample by its name and the values of its labels."""
    page = plain_http.get(f"{url}/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def lines(served: Served, path: str) -> list[dict[str, Any]]:
    """The access log's lines about a path."""
    whole = served.log.read_text().split("\n")[:-1]  # it may be about to write the next
    said = [json.loads(line) for line in whole]
    return [line for line in said if line["event"] == "request" and line["path"] == path]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("door", "path"), [("openai", "/v1/chat/completions"), ("ollama", "/api/chat")])
def test_an_answer_is_counted(own: Served, door: str, path: str, stream: bool) -> None:
    before = figures(own.url)
    assert plain_http.post(own.url + path, json={**ASKED, "stream": stream}).status_code == 200
    counted = "ai_pal_requests_total", (door, "local", "echo", "ok", "1")

    def ended() -> dict[tuple[str, tuple[str, ...]], float] | None:
        """What the client has whole may be about to be counted."""
        now = figures(own.url)
        over = not now.get(("ai_pal_open_streams", (door,)), 0)
        return now if over and now.get(counted, 0) > before.get(counted, 0) else None

    after = eventually(ended)

    def more(name: str, *labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert more("ai_pal_requests_total", door, "local", "echo", "ok", "1") == 1
    assert more("gen_ai_server_request_duration_seconds_count", door, "local", "echo", "1") == 1
    assert more("gen_ai_server_time_to_first_token_seconds_count", "local", "echo", "1") == 1
    assert more("gen_ai_client_token_usage_sum", "local", "echo", "input", "1") == 3
    assert more("gen_ai_client_token_usage_sum", "local", "echo", "output", "1") == 3
    assert after["ai_pal_loaded_models", ()] >= 1
    assert after["ai_pal_waiting_requests", ("echo",)] == 0


def test_what_failed_is_counted_by_its_code(own: Served) -> None:
    for stream in (True, False):
        body = {**ASKED, "model": "no-such?slots=3", "stream": stream}
        plain_http.post(f"{own.url}/v1/chat/completions", json=body)
    plain_http.post(f"{own.url}/api/push", json={})
    wanted = {("openai", "", "", "model_not_found", ""), ("ollama", "", "", "unsupported", "")}

    def counted() -> set[tuple[str, ...]] | None:
        now = {labels for name, labels in figures(own.url) if name == "ai_pal_requests_total"}
        return now if wanted <= now else None

    found = eventually(counted)
    assert not any("?" in label for labels in found for label in labels)


def test_who_leaves_is_a_499(own: Served) -> None:
    body = {**ASKED, "model": LOADS, "stream": True}
    with ask(own.url, "/v1/chat/completions", body):
        streams = ("ai_pal_open_streams", ("openai",))
        eventually(lambda: figures(own.url).get(streams) == 1)
    eventually(lambda: figures(own.url)[streams] == 0)
    eventually(lambda: any(line["status"] == 499 for line in lines(own, "/v1/chat/completions")))
    labels = ("openai", "", "", "cancelled", "")
    eventually(lambda: figures(own.url).get(("ai_pal_requests_total", labels), 0) >= 1)


def test_the_access_log_tells_no_body(own: Served) -> None:
    body = {**ASKED, "messages": [{"role": "user", "content": "a secret of mine"}]}
    before = len(lines(own, "/v1/messages"))  # of other tests
    plain_http.post(f"{own.url}/v1/messages?beta=true", json={**body, "max_tokens": 9})
    plain_http.get(f"{own.url}/v1/models", headers={"host": "evil.example"})
    eventually(lambda: len(lines(own, "/v1/messages")) > before)
    last = lines(own, "/v1/messages")[-1]
    assert set(last) == {"event", "method", "path", "status", "seconds", "level", "timestamp"}
    assert (last["method"], last["status"]) == ("POST", 200)
    eventually(lambda: any(line["status"] == 403 for line in lines(own, "/v1/models")))
    assert "secret" not in own.log.read_text()
