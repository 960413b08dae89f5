"""`MultiModelOrchestrator` with a real supervisor, a cloud on loopback and the echo engine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.models import supervisors
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol import client as wire
from tests.process.homes import environment, stop_supervisor
from tests.servers.clouds import cohere
from tests.servers.loopback import Loopback

pytestmark = [pytest.mark.anyio]
HARD = "Prove that there are infinitely many primes, step by step, and design a test suite for the proof."


@pytest.fixture(autouse=True)
def home(ai_pal_home: Path) -> Iterator[None]:
    yield
    stop_supervisor(environment(ai_pal_home))
    supervisors.end_own()


@pytest.fixture
def cloud() -> Iterator[Loopback]:
    """Cohere's API, set up with a key, and with the echo engine as this machine's model."""
    with Loopback(cohere.cohere) as server:
        config = Path(os.environ["XDG_CONFIG_HOME"]) / "ai-pal" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(
            f'[local]\nmodel = "echo"\n[ollama]\nenabled = false\n'
            f'[providers.cohere]\nbase_url = "{server.url}"\napi_key = "{cohere.KEY}"\n'
            f'strong = "{cohere.MODEL}"\n'
        )
        config.chmod(0o600)
        yield server


async def test_simple_prompts_are_answered_here_and_hard_ones_by_a_cloud(cloud: Loopback) -> None:
    async with MultiModelOrchestrator() as orchestrator:
        simple = await orchestrator.route_request("hello there")
        hard = await orchestrator.route_request(HARD, task_type="reasoning", max_tokens=10)
    assert (simple.text, simple.provider, simple.tier, simple.remote) == ("hello there ", "local", 1, False)
    assert (hard.provider, hard.tier, hard.remote) == ("cohere", 3, True)
    assert simple.score is not None
    assert hard.score is not None
    assert simple.score < 0.3 < 0.7 < hard.score
    assert hard.cost
    assert simple.cost == 0


@pytest.mark.parametrize("how", ["privacy", "local_only"])
async def test_what_is_private_stays(cloud: Loopback, how: str) -> None:
    goal: wire.Goal = "privacy" if how == "privacy" else ""
    async with MultiModelOrchestrator(goal, local_only=how == "local_only") as orchestrator:
        answer = await orchestrator.route_request("Prove it.", task_type="reasoning")
    assert (answer.provider, answer.remote) == ("local", False)
    assert cloud.requests == []


async def test_a_kind_of_work_bounds_the_score(cloud: Loopback) -> None:
    async with MultiModelOrchestrator() as orchestrator:
        code = await orchestrator.explain("hi", task_type="code")
        rewriting = await orchestrator.explain(HARD, task_type="rewriting")
    assert code.score >= 0.3 > rewriting.score
    assert next(c.provider for c in code.candidates if c.position) == "cohere"
    assert next(c.provider for c in rewriting.candidates if c.position) == "local"
    assert cloud.requests == []


async def test_the_events_come_as_they_are(cloud: Loopback) -> None:
    async with MultiModelOrchestrator(optimization_goal="privacy") as orchestrator:
        kinds = [type(event) async for event in orchestrator.stream_request("a b")]
    assert kinds[0] is wire.Accepted
    assert kinds[-1] is wire.Done
    assert {wire.Started, wire.Delta} <= set(kinds)


async def test_a_cloud_without_a_key_is_refused_with_its_name() -> None:
    async with MultiModelOrchestrator() as orchestrator:
        with pytest.raises(AiPalError, match="openai") as caught:
            await orchestrator.route_request("hello", model="openai:gpt-4")
    assert caught.value.code == Code.NO_KEY
