"""What is refused before anybody is asked."""

from pathlib import Path
from typing import Any

import pytest

from ai_pal.client.asking import Asking, chat_request, route_request
from ai_pal.errors import AiPalError, Code
from ai_pal.orchestration import MultiModelOrchestrator


@pytest.fixture(autouse=True)
def _no_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.delenv("AI_PAL_CONFIG", raising=False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("how", "hint"),
    [
        ({"max_cost": -1}, "0 or more"),
        ({"max_cost": float("nan")}, "0 or more"),
        ({"task_type": "poetry"}, "general, chat, rewriting"),
        ({"optimization_goal": "speed"}, "privacy, cost, latency, quality, balanced"),
    ],
)
async def test_a_mistake_is_told_with_what_is_possible(how: dict[str, Any], hint: str) -> None:
    async with MultiModelOrchestrator() as router:
        with pytest.raises(AiPalError) as caught:
            await router.route_request("hi", **how)
    assert caught.value.code == Code.BAD_REQUEST
    assert hint in caught.value.failure.message


def test_an_orchestrator_is_not_made_with_a_mistake() -> None:
    with pytest.raises(AiPalError, match="max_cost"):
        MultiModelOrchestrator(max_cost=-1)


def test_a_provider_without_a_model_is_refused() -> None:
    for request in (chat_request, route_request):
        with pytest.raises(AiPalError) as caught:
            request(1, "hi", Asking(model="openai:"))
        assert caught.value.code == Code.BAD_REQUEST


@pytest.mark.parametrize("model", ["", "phi-2", "phi-2:4bit", "ollama:phi", "/models/a:"])
def test_other_references_are_passed_on(model: str) -> None:
    assert chat_request(1, "hi", Asking(model=model)).model == model
    assert route_request(1, "hi", Asking(model=model)).model == model
