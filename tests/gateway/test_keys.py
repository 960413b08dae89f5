"""Who may ask where there are keys: each route of the table, from each place, with each kind of key."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from ai_pal.config import paths
from ai_pal.config.client_keys import ClientKey, create
from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page import files
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.route import Route
from ai_pal.gateway.routes import routes_with
from ai_pal.store.ledger import Attempt
from ai_pal.store.sqlite_ledger import SqliteLedger
from tests.gateway import plain_http
from tests.gateway.keyed import Keyed, keyed_server
from tests.process.eventually import eventually

SECONDS = 120.0
CLOUD = """[providers.openai]
base_url = "http://192.0.2.1:9/v1"
api_key = "sk-of-nobody"

[models.written]
model = "openai:gpt-4o"
"""
"""Nobody is there, and nobody is to be asked."""

TABLE = routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere")))
HOSTS = {"": True, "evil.example": False}
ORIGINS = {"": True, "http://localhost:3000": True, "https://evil.example": False}
TYPES = {"application/json": True, "text/plain": False}
KEYS = {"anybody": True, "old": False, "": False, "sk-wrong": False}
"""What may stand there, and whether it lets in; "" is that nothing stands there."""


@pytest.fixture(scope="module")
def keyed() -> Iterator[Keyed]:
    with keyed_server(CLOUD) as found:
        spent = Attempt(
            at=time.time(), request="1", tier=3, provider="openai", model="gpt-4.1", outcome="done",
            cost=1.0, principal="saver",
        )  # fmt: skip
        with closing(SqliteLedger(paths.store_file(found.served.environ))) as ledger:
            ledger.record([spent])
        yield found


def path_of(route: Route) -> str:
    path = route.path.replace("{version}/{name}", f"{files.version()}/app.js")
    return path.replace("{id:path}", "echo").replace("{id}", "resp_0").replace("{digest}", "sha256:0")


def expected(route: Route, host: str, origin: str, kind: str, key: str) -> int:
    """The status of what is not let in, 0 for what is."""
    if not HOSTS[host] or not ORIGINS[origin]:
        return 403
    if route.method in ("POST", "DELETE") and not TYPES[kind]:
        return 415
    if route.of_page and origin:
        return 403
    return 0 if KEYS[key] or route.anybody else 401


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_from_each_place_with_each_key(keyed: Keyed, route: Route) -> None:
    connection = HTTPConnection(*keyed.place, timeout=SECONDS)
    for host, origin, kind, key in product(HOSTS, ORIGINS, TYPES, KEYS):
        wanted = expected(route, host, origin, kind, key)
        if not wanted and (key, origin, kind) != ("anybody", "", "application/json"):
            continue  # what is let in is carried out: once is enough
        shown = {"authorization": f"Bearer {keyed.keys.get(key, key)}"} if key else {}
        headers = {"content-type": kind, **shown, **({"origin": origin} if origin else {})}
        headers |= {"host": host} if host else {}
        connection.request(route.method, path_of(route), b"{}", headers)
        with connection.getresponse() as answer:
            said = answer.read()
        what = f"{route.method} {route.path} {host} {origin} {kind} {key}: {answer.status} {said!r}"
        if wanted:
            assert answer.status == wanted, what
            if route.method != "HEAD":
                body = json.loads(said)
                assert body["error"], what
                assert (body.get("type") == "error") == (route.door == "anthropic"), what
                assert isinstance(body["error"], str) == (route.door == "ollama"), what
        elif route.manages or route.private:
            assert answer.status == 403, what
        else:
            assert answer.status not in (401, 403, 415), what
        if wanted in (401, 403) and (wanted == 403 or not origin):
            assert "access-control-allow-origin" not in answer.headers, what
    connection.close()


def test_other_paths_and_methods_want_a_key_too(keyed: Keyed) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/v1/models"), ("TRACE", "/"), ("HEAD", "/")):
        assert plain_http.request(method, keyed.url + path).status_code == 401
    preflight = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    assert plain_http.options(f"{keyed.url}/v1/chat/completions", headers=preflight).status_code == 204
    assert plain_http.get(f"{keyed.url}/health").json() == {"status": "ok"}


def test_the_sdks_see_a_wrong_key_as_one(keyed: Keyed) -> None:
    with (
        openai.OpenAI(base_url=f"{keyed.url}/v1", api_key="sk-wrong") as gpt,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        gpt.models.list()
    assert refused.value.code == "invalid_api_key"
    said: Any = [{"role": "user", "content": "x"}]
    with (
        anthropic.Anthropic(base_url=keyed.url, api_key="sk-wrong") as client,
        pytest.raises(anthropic.AuthenticationError, match="authentication_error"),
    ):
        client.messages.create(model="echo", max_tokens=5, messages=said)
    answer = plain_http.get(f"{keyed.url}/api/tags")
    assert answer.headers["www-authenticate"] == "Bearer"


def chat(keyed: Keyed, name: str, model: str = "echo", **headers: str) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return plain_http.post(
        f"{keyed.url}/v1/chat/completions",
        json=body,
        headers=keyed.bearer(name) | {key.replace("_", "-"): value for key, value in headers.items()},
        timeout=SECONDS,
    )


def test_what_a_key_asks_is_in_its_own_row(keyed: Keyed) -> None:
    assert chat(keyed, "guest", x_ai_pal_session="owner").status_code == 200
    assert chat(keyed, "anybody").status_code == 200
    said: Any = [{"role": "user", "content": "x"}]
    with anthropic.Anthropic(base_url=keyed.url, api_key=keyed.keys["anybody"]) as asking:
        assert asking.messages.create(model="echo", max_tokens=5, messages=said).content

    def attempts() -> dict[str, int]:
        command = [sys.executable, "-P", "-m", "ai_pal", "usage", "--by", "principal", "--json"]
        done = subprocess.run(
            command, env=keyed.served.environ, capture_output=True, text=True, timeout=SECONDS, check=True
        )
        return {line["key"]: line["attempts"] for line in json.loads(done.stdout)["lines"]}

    def written() -> dict[str, int] | None:
        now = attempts()
        return now if now.get("anybody", 0) >= 2 and now.get("guest", 0) >= 1 else None

    assert "owner" not in eventually(written)  # a row may come after the answer


def test_models_that_a_key_may_not_ask_are_not_there(keyed: Keyed) -> None:
    assert chat(keyed, "anybody", "echo?delay=0").status_code == 403
    for model in ("smollm2", "openai:gpt-4.1", "echo2"):
        assert chat(keyed, "guest", model).status_code == 404
        shown = plain_http.post(
            f"{keyed.url}/api/show", json={"model": model}, headers=keyed.bearer("guest"), timeout=SECONDS
        )
        assert shown.status_code == 404
        body = {"model": model, "keep_alive": 0}
        gone = plain_http.post(f"{keyed.url}/api/generate", json=body, headers=keyed.bearer("guest"))
        assert gone.status_code == 404
    listed = plain_http.get(f"{keyed.url}/v1/models", headers=keyed.bearer("guest"), timeout=SECONDS).json()
    assert {one["id"] for one in listed["data"]} <= {"echo"}
    chat(keyed, "guest")
    loaded = plain_http.get(f"{keyed.url}/api/ps", headers=keyed.bearer("guest")).json()
    assert [one["name"] for one in loaded["models"]] == ["echo:latest"]
    assert plain_http.get(f"{keyed.url}/metrics", headers=keyed.bearer("guest")).status_code == 403
    assert plain_http.get(f"{keyed.url}/metrics", headers=keyed.bearer("anybody")).status_code == 200


def test_what_is_listed_can_be_asked_and_no_cloud_is_asked_for_it(keyed: Keyed) -> None:
    here = ClientKey(sha256="", created=0.0, local_only=True)
    keyed.keys["homely"] = create("homely", here, keyed.served.environ)
    few = ClientKey(sha256="", created=0.0, models=("openai:gpt-6*",))
    keyed.keys["few"] = create("few", few, keyed.served.environ)

    def listed(name: str) -> set[str]:
        shown: Any = {"headers": keyed.bearer(name), "timeout": SECONDS}
        found = {one["id"] for one in plain_http.get(f"{keyed.url}/v1/models", **shown).json()["data"]}
        tags = plain_http.get(f"{keyed.url}/api/tags", **shown).json()["models"]
        assert {one["name"].removesuffix(":latest") for one in tags} == found
        for one in found:
            assert plain_http.get(f"{keyed.url}/v1/models/{one}", **shown).status_code == 200, one
            told = plain_http.post(f"{keyed.url}/api/show", json={"model": one}, **shown)
            assert "completion" in told.json()["capabilities"], one
        return found

    clouds = {one for one in listed("anybody") if one.startswith("openai:")}
    assert clouds
    assert {"auto", "written", *clouds} <= listed("anybody")
    assert listed("few") == clouds
    assert not clouds & listed("homely")
    assert "auto" in listed("homely")
    assert "written" not in listed("homely")


def test_nothing_of_a_local_only_key_leaves_whatever_it_says(keyed: Keyed) -> None:
    answer = chat(keyed, "poor", "openai:gpt-4.1", x_ai_pal_local_only="1")
    assert answer.status_code == 403
    here = ClientKey(sha256="", created=0.0, local_only=True)
    keyed.keys["here"] = create("here", here, keyed.served.environ)
    answer = chat(keyed, "here", "openai:gpt-4.1", x_ai_pal_local_only="0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "local_only")


def test_what_one_key_keeps_is_not_there_for_another(keyed: Keyed) -> None:
    def ask(name: str, method: str, path: str, **body: Any) -> httpx2.Response:
        shown: Any = {"headers": keyed.bearer(name), "timeout": SECONDS}
        return plain_http.request(method, f"{keyed.url}/v1/responses{path}", json=body or None, **shown)

    said = {"model": "echo", "input": "secret"}
    whole = ask("anybody", "POST", "", **said).json()
    slow = ask("anybody", "POST", "", **said | {"model": "echo"}, background=True).json()
    for kept in (whole, slow):
        for name, there in (("owner", False), ("guest", False), ("anybody", True)):
            for method, path in (
                *(("GET", ""), ("GET", "/input_items"), ("GET", "?stream=true"), ("POST", "/cancel")),
                *([] if there else [("DELETE", "")]),
            ):
                answer = ask(name, method, f"/{kept['id']}{path}")
                assert (answer.status_code == 404) is not there, f"{name} {method} {path}: {answer.text}"
            on = ask(name, "POST", "", **said, previous_response_id=kept["id"])
            assert on.status_code == (200 if there else 400), on.text
    named = [{"type": "item_reference", "id": whole["output"][0]["id"]}, {"role": "user", "content": "x"}]
    assert ask("owner", "POST", "", model="echo", input=named).status_code == 400
    assert ask("anybody", "POST", "", model="echo", input=named).status_code == 200
    assert ask("anybody", "DELETE", f"/{whole['id']}").json()["deleted"]


def test_a_spent_budget_is_a_429_that_no_sdk_asks_again(keyed: Keyed) -> None:
    assert chat(keyed, "saver", "openai:gpt-4.1").status_code == 429
    answer = chat(keyed, "poor", "openai:gpt-4.1")
    assert answer.status_code == 429, answer.text
    assert answer.json()["error"]["code"] == "insufficient_quota"
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert chat(keyed, "poor").status_code == 200, "what is answered here costs nothing"


def test_a_key_that_is_taken_back_is_none_from_the_next_request_on(keyed: Keyed) -> None:
    environ = keyed.served.environ

    def keys(*args: str) -> str:
        command = [sys.executable, "-P", "-m", "ai_pal", "keys", *args]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=True, cwd="/"
        )
        return done.stdout

    keyed.keys["brief"] = keys("create", "brief", "--models", "echo", "--expires", "1d").strip()
    assert chat(keyed, "brief").status_code == 200
    listed = json.loads(keys("list", "--json"))["clients"]
    assert next(one for one in listed if one["name"] == "brief")["models"] == ["echo"]
    assert "brief" in keys("list")
    keys("revoke", "brief")
    assert chat(keyed, "brief").status_code == 401


def test_only_so_many_requests_of_a_key_at_a_time() -> None:
    with keyed_server("[http]\nmax_per_key = 1\n") as narrow:
        body = {
            "model": "echo?pace=0.05",
            "stream": True,
            "messages": [{"role": "user", "content": "x " * 8_000}],
        }
        url, owner = f"{narrow.url}/v1/chat/completions", narrow.bearer("owner")
        with plain_http.stream("POST", url, json=body, headers=owner, timeout=SECONDS) as first:
            assert first.status_code == 200
            assert chat(narrow, "owner").status_code == 429
            assert chat(narrow, "anybody").status_code == 200, "another key has places of its own"
