"""A type checker refuses a misspelt keyword, on every face, and takes the right ones."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RIGHT = (
    "max_tokens=20, temperature=0.5, top_p=0.5, seed=1, stop='x', "
    "options=GenerationOptions(), system='x', deadline=1"
)
ROUTED = "local_only=True, max_cost=0.1"
CALLS = {
    "client.ask": ROUTED,
    "client.chat": ROUTED,
    "client.route": ROUTED,
    "later.ask": ROUTED,
    "later.chat": ROUTED,
    "later.route": ROUTED,
    "provider.generate": "",
    "provider.generate_streaming": "",
    "provider.ask": "",
    "wrapper.generate": "",
    "wrapper.generate_streaming": "",
    "wrapper.ask": "",
    "router.route_request": ROUTED,
    "router.stream_request": ROUTED,
    "router.explain": ROUTED,
}
OTHERS = (
    "Client('x', timout=1)",
    "AsyncClient('x', timout=1)",
    "LocalLLMProvider(autopull=True)",
    "DirectModelWrapper(autopull=True)",
    "MultiModelOrchestrator(localonly=True)",
    "client.load(modle='x')",
    "client.unload(modle='x')",
    "later.load(modle='x')",
    "later.unload(modle='x')",
)
HEAD = """
from ai_pal.client import AsyncClient, Client, GenerationOptions
from ai_pal.models import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator

def check(
    client: Client, later: AsyncClient, provider: LocalLLMProvider, wrapper: DirectModelWrapper,
    router: MultiModelOrchestrator,
) -> None:
"""


@pytest.mark.timeout(600)
def test_mypy_refuses_misspelt_keywords_and_nothing_else(tmp_path: Path) -> None:
    lines = [f"    {call}('hi', {RIGHT}, {more})" for call, more in CALLS.items()]
    wrong = [
        f"    {call}('hi', {word}=1)" for call in CALLS for word in ("local_onyl", "max_token", "maxcost")
    ]
    wrong += [f"    {call}" for call in OTHERS]
    file = tmp_path / "faces.py"
    file.write_text(HEAD + "\n".join([*lines, *wrong]))
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file)]
    command += ["--disable-error-code", "unused-coroutine"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    refused = {int(line.split(":")[1]) for line in found.stdout.splitlines() if "[call-arg]" in line}
    first = HEAD.count("\n") + 1 + len(lines)
    assert refused == set(range(first, first + len(wrong))), found.stdout + found.stderr
    assert found.stdout.count(" error: ") == len(wrong), found.stdout
