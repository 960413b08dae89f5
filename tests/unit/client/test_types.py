"""A type checker refuses a misspelt keyword, on every face, and takes the right ones."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OPTIONS = (
    "max_tokens=20, temperature=0.5, top_p=0.5, seed=1, stop='x', extra={}, options=GenerationOptions(), "
    "top_k=1, min_p=0.1, "
    "presence_penalty=1, frequency_penalty=1, repeat_penalty=1, logit_bias={1: -1}, logprobs=1, "
    "response_format=JsonObject(), tools=[Tool('x'), {'name': 'y'}, check], tool_choice='x', "
    "parallel_tool_calls=True, thinking='low', thinking_budget=1, context=1, prefill='x', "
    "stop_repeating=True, trim=False, lora=['x']"
)
RIGHT = f"{OPTIONS}, system='x', deadline=1"
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
    "client.embed(['x'], modle='x')",
    "later.embed(['x'], dimension=1)",
    "client.rerank('x', ['y'], modle='x')",
    "client.count_tokens('x', deadline=1)",
    "client.complete('x', system='x')",
    "later.complete('x', localonly=True)",
    "client.run_tools([check], 'x', round=1)",
    "later.run_tools([check], 'x', oncall=print)",
    "client.ask('x', shema={})",
    "router.run_tools([check], 'x', max_costs=1)",
)
TAKEN = (
    f"client.complete('x', None, model='m', {OPTIONS})",
    f"client.count_tokens('x', model='m', system='s', {OPTIONS})",
    "client.embed(['x'], dimensions=1, model='m', deadline=1, keep_alive=1, pull=True, pull_limit=1)",
    "client.rerank('x', ['x'], model='m', deadline=1, keep_alive=1, pull=True, pull_limit=1)",
    "later.count_tokens('x', local_only=True, mine=True)",
    "client.run_tools([check], 'x', rounds=1, on_call=print, model='m')",
    "client.ask('x', schema=dict).value.anything",
    "client.load('x', 1, pull=True).last().model",
    "wrapper.run_tools([check], 'x', rounds=1, on_call=print, max_tokens=5)",
    "wrapper.embed(['x'], dimensions=1).vectors",
    "provider.embed(['x'], model='m', dimensions=1)",
)
HEAD = """
from ai_pal.client import AsyncClient, Client, GenerationOptions
from ai_pal.protocol.options import JsonObject, Tool
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
    lines += [f"    {call}" for call in TAKEN]
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
