"""The command `llm` with its extra-openai-models.yaml."""

import json
import subprocess
import sys
from pathlib import Path

from scripts.client_runs.programs.checks import END, WORDS, main, same

LLM = str(Path(sys.executable).with_name("llm"))
FUNCTIONS = 'def weather(city: str) -> str:\n    "The weather in a city."\n    return "It rains in " + city\n'


def llm(*arguments: str) -> str:
    done = subprocess.run([LLM, *arguments], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def listed() -> None:
    assert "ai-pal" in llm("models"), "it is not among the models"


def streams() -> None:
    same(llm("-m", "ai-pal", "Say something"), WORDS)


def at_once() -> None:
    same(llm("-m", "ai-pal", "--no-stream", "-s", "Be short", "-o", "temperature", "0.5", "Say"), WORDS)


def goes_on() -> None:
    same(llm("-m", "ai-pal", "-c", "And more"), WORDS)


def schema() -> None:
    found = json.loads(llm("-m", "ai-pal", "--schema", "city, degrees int", "The weather"))
    same(found, {"city": "", "degrees": 0})


def tools() -> None:
    found = llm("-m", "ai-pal", "--functions", FUNCTIONS, "The weather in Oslo")
    assert found.endswith(END), found  # it prints what was said before the call, too


main(
    {
        "models": listed,
        "streams": streams,
        "at once": at_once,
        "goes on": goes_on,
        "schema": schema,
        "tools": tools,
    }
)
