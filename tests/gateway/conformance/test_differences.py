"""What docs/http.md tells of differences is tried line by line; that it names each route."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.routes import routes_with
from tests.gateway.conformance import test_anthropic, test_ollama, test_openai, test_responses

PAGE = Path(__file__).parents[3] / "docs" / "http.md"
RIGHT: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {**test_openai.CHAT, "max_tokens": 4},
    "/v1/completions": test_openai.COMPLETION,
    "/v1/responses": test_responses.RESPONSE,
    "/v1/messages": test_anthropic.MESSAGE,
    "/api/chat": test_ollama.CHAT,
    "/api/generate": test_ollama.GENERATE,
    "/api/create": {"model": "mine", "from": "echo", "stream": False},
    "/api/copy": {"source": "echo", "destination": "mine"},
}


def lines() -> list[tuple[str, str, int]]:
    table = PAGE.read_text().partition("### What is different")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [(route.strip("`"), sent.strip("`"), int(here)) for route, sent, here, *_ in cells]


@pytest.mark.parametrize(("route", "sent", "status"), lines(), ids=str)
def test_it_is_as_the_page_says(http: httpx2.Client, route: str, sent: str, status: int) -> None:
    answer = http.post(route, json={**RIGHT[route], **json.loads(sent)})
    assert answer.status_code == status, answer.text


def test_the_page_names_each_route() -> None:
    table = PAGE.read_text().partition("## Routes")[2].partition("\n## ")[0]
    for route in routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere"))):
        path = route.path.replace(":path", "")
        if not route.never:
            assert f"`{path}`" in table or f"`{path.removeprefix('/v1')}`" in table, path
