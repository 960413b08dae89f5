"""The contracts of pyproject.toml are seen failing: each wrong import, planted in a copy, breaks its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRONG = [
    ("ai_pal/protocol/usage.py", "import ai_pal.config", "ai_pal imports downwards only"),
    (
        "ai_pal/server/router/router.py",
        "import ai_pal.server.endpoints.clients",
        "the server imports downwards",
    ),
    ("ai_pal/server/pool/pool.py", "import ai_pal.server.router.router", "the server imports downwards only"),
    ("ai_pal/server/router/policy/plan.py", "import ai_pal.server.router.router", "policy and complexity"),
    ("ai_pal/cli/ps.py", "import ai_pal.server.ports", "faces are clients"),
    ("ai_pal/cli/supervise.py", "import ai_pal.server.pool.pool", "faces are clients"),
    ("ai_pal/models/local.py", "import ai_pal.server.app", "faces are clients"),
    ("ai_pal/server/app/daemon.py", "import ai_pal.sources", "the supervisor has no network"),
    ("ai_pal/server/backends/local.py", "import openai", "the supervisor has no network"),
    ("ai_pal/catalog/files.py", "import gguf", "ai_pal holds no model library"),
    ("ai_pal/cluster/process.py", "import ray", "one module knows Ray"),
    ("workers/loop.py", "import ai_pal.config", "workers know"),
    ("workers/engines/base.py", "import ai_pal.privacy", "workers know"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for package in ("ai_pal", "workers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken(folder: Path) -> list[str]:
    """The names of the contracts that are broken there."""
    code = "import sys; from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", code, "--no-logo", "--no-cache"]
    environ = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    found = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    assert bool(found) is bool(done.returncode), done.stdout + done.stderr
    return found


def test_all_contracts_are_kept(copy: Path) -> None:
    assert broken(copy) == []


@pytest.mark.parametrize(
    ("file", "line", "contract"), WRONG, ids=[f"{file}: {line}" for file, line, _ in WRONG]
)
def test_a_wrong_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str) -> None:
    text = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(f"{text}\n{line}\n", encoding="utf-8")
    try:
        assert any(name.startswith(contract) for name in broken(copy))
    finally:
        (copy / file).write_text(text, encoding="utf-8")
