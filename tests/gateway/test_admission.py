"""Who may ask over HTTP, for each route of the table: a new one cannot be forgotten."""

import http.client
import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.routes import routes_with
from ai_pal.gateway.wire.wish_headers import HEADERS
from tests.gateway import plain_http
from tests.gateway.conftest import Served

JSON = "application/json"
PATHS = sorted(
    {
        (route.method, route.path.replace("{id:path}", "smollm2").replace("{version}/{name}", "0/app.js"))
        for route in routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere")))
    }
)


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:11435"},
        {"host": "localhost.evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "file://"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_a_page_from_elsewhere_is_refused(
    gateway: str, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = plain_http.request(
        method, gateway + path, headers={"content-type": JSON, **headers}, content=b"{}"
    )
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [pair for pair in PATHS if pair[0] == "POST"])
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_has_to_be_json(gateway: str, method: str, path: str, kind: str) -> None:
    headers = {"content-type": kind, "origin": gateway}
    assert plain_http.request(method, gateway + path, headers=headers, content=b"{}").status_code == 415


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_another_method_is_none(gateway: str, method: str, path: str) -> None:
    answer = plain_http.request("PUT", gateway + path)
    assert answer.status_code == 405
    assert method in answer.headers["allow"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]", "http://0.0.0.0:3000"]
)
def test_a_page_of_this_machine_may_ask(gateway: str, origin: str) -> None:
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    asked = plain_http.options(f"{gateway}/v1/chat/completions", headers=preflight)
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == origin
    of_sdks = {"authorization", "x-api-key", "x-stainless-async", "openai-organization", "x-requested-with"}
    assert {*HEADERS, *of_sdks} <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert plain_http.get(f"{gateway}/health", headers={"origin": origin}).json() == {"status": "ok"}


def test_there_is_nothing_at_other_paths(gateway: str) -> None:
    assert plain_http.get(f"{gateway}/v1/nothing").json()["error"]["message"] == "there is no such path here"
    assert plain_http.get(f"{gateway}/api/nothing").status_code == 404
    assert "Ollama is running" in plain_http.get(gateway).text
    assert plain_http.head(gateway).status_code == 200
    assert plain_http.get(f"{gateway}/ready").json()["status"] == "ready"


def test_a_base_url_may_have_a_slash_or_a_part_too_much(gateway: str) -> None:
    for path in ("/v1/models/", "//v1//models", "/v1/v1/models", "/v1/api/tags/", "/v1/health"):
        assert plain_http.get(gateway + path).status_code == 200, path
    answer = plain_http.post(f"{gateway}//messages/", headers={"content-type": JSON}, content=b"{}")
    assert answer.json()["type"] == "error"
    evil = {"origin": "https://evil.example"}
    assert plain_http.get(f"{gateway}//page//state/", headers=evil).status_code == 403


def test_programs_need_not_say_that_they_send_json(gateway: str) -> None:
    body = b'{"model": "echo", "messages": [{"role": "user", "content": "one \\ud83d"}]}'
    connection = http.client.HTTPConnection(urlsplit(gateway).netloc, timeout=plain_http.SECONDS)
    connection.request("POST", "/v1/chat/completions", body)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["choices"][0]["message"]["content"].split() == ["one", "\ufffd"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "models.example:80"}, 200),
        ({"host": f"{socket.gethostname()}:80"}, 200),
        ({"host": "host.docker.internal:11435"}, 200),
        ({"host": "other.example"}, 403),
        ({"origin": "https://chat.example"}, 200),
        ({"origin": "https://chat.example:444"}, 403),
        ({"origin": "http://chat.example"}, 403),
        ({"origin": "vscode-webview://0a1b"}, 200),
        ({"origin": "null"}, 403),
    ],
    ids=str,
)
def test_who_may_ask_beyond_this_machine_is_a_setting(
    own: Served, headers: dict[str, str], status: int
) -> None:
    assert plain_http.get(f"{own.url}/health", headers=headers).status_code == status
