"""The examples of README.md and docs/python.md, as they stand there, with the echo engine as their model."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.homes import environment, stop_supervisor

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
EXAMPLES = [
    (page, number, text)
    for page in ("README.md", "docs/python.md")
    for number, text in enumerate(BLOCK.findall((ROOT / page).read_text()))
]


@pytest.fixture
def home(ai_pal_home: Path) -> Iterator[dict[str, str]]:
    environ = environment(ai_pal_home) | {"AI_PAL_MODEL": "echo"}
    yield environ
    stop_supervisor(environ)


@pytest.mark.parametrize(("page", "number", "text"), EXAMPLES, ids=lambda part: str(part).partition("\n")[0])
def test_an_example_runs(page: str, number: int, text: str, home: dict[str, str]) -> None:
    for model in ("smollm2", "sentence-transformers/all-MiniLM-L6-v2", "BAAI/bge-reranker-v2-m3"):
        text = text.replace(f'"{model}"', '"echo"')
    if "async def main" in text and "asyncio.run" not in text:
        text = f"import asyncio\n{text}\nasyncio.run(main())\n"
    ran = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", text],
        env=home,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), f"{page}, example {number}: {ran.stderr}"
    assert ran.stdout.strip(), f"{page}, example {number} prints nothing"
