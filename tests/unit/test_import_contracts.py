"""The contracts of pyproject.toml are seen failing: each wrong import in a copy is told by its own."""

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
    (
        "ai_pal/server/pool/running/pool.py",
        "import ai_pal.server.router.router",
        "the server imports downwards only",
    ),
    (
        "ai_pal/server/pool/admission/placing.py",
        "import ai_pal.server.pool.nodes.cards",
        "the pool imports downwards only",
    ),
    (
        "ai_pal/server/pool/jobs/job.py",
        "import ai_pal.server.pool.lifecycle.state",
        "the pool imports downwards only",
    ),
    (
        "ai_pal/gateway/wire/bodies.py",
        "import ai_pal.gateway.asking.wishes",
        "the gateway imports downwards only",
    ),
    ("ai_pal/cli/models/pull.py", "import ai_pal.cli.loaded.load", "commands import downwards only"),
    (
        "ai_pal/catalog/known/names.py",
        "import ai_pal.catalog.references.found",
        "the catalog imports downwards only",
    ),
    (
        "ai_pal/egress/providers/openai/payload.py",
        "import ai_pal.egress.providers.ollama.payload",
        "providers import downwards only",
    ),
    (
        "ai_pal/egress/providers/failures/classify.py",
        "import ai_pal.egress.providers.http.traffic",
        "providers import downwards only",
    ),
    (
        "workers/engines/transformers/decoding/rows.py",
        "import workers.engines.transformers.batch.answer",
        "the transformers engine imports downwards only",
    ),
    (
        "workers/engines/transformers/parts/parts.py",
        "import workers.engines.transformers.loading.folder",
        "the transformers engine imports downwards only",
    ),
    ("ai_pal/server/router/policy/plan.py", "import ai_pal.server.router.router", "policy and complexity"),
    ("ai_pal/cli/loaded/ps.py", "import ai_pal.server.ports", "faces are clients"),
    ("ai_pal/cli/service/supervise.py", "import ai_pal.server.pool.running.pool", "faces are clients"),
    ("ai_pal/models/local.py", "import ai_pal.server.app", "faces are clients"),
    ("ai_pal/server/app/daemon.py", "import ai_pal.sources", "the supervisor has no network"),
    ("ai_pal/server/backends/local.py", "import openai", "the supervisor has no network"),
    ("ai_pal/catalog/weights/files.py", "import gguf", "ai_pal holds no model library"),
    ("ai_pal/cluster/process.py", "import ray", "one module knows Ray"),
    ("workers/loop.py", "import ai_pal.config", "workers know"),
    ("workers/engines/base.py", "import ai_pal.privacy", "workers know"),
]


TITLE = re.compile(r"^(.+)\n-{5,}\n", re.MULTILINE)


def broken(folder: Path) -> dict[str, str]:
    """What is said of the contracts that are broken there, by their names."""
    code = "import sys; from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", code, "--no-logo", "--no-cache"]
    environ = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    _, *told = TITLE.split(done.stdout.partition("Broken contracts\n----------------\n")[2])
    assert bool(told) is bool(done.returncode), done.stdout + done.stderr
    return dict(zip(told[::2], told[1::2], strict=True))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for package in ("ai_pal", "workers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    assert broken(folder) == {}
    return folder


@pytest.fixture(scope="module")
def planted(copy: Path) -> dict[str, str]:
    """What is said with all of them planted."""
    for file, line, _ in WRONG:
        text = (copy / file).read_text(encoding="utf-8")
        (copy / file).write_text(f"{text}\n{line}\n", encoding="utf-8")
    return broken(copy)


@pytest.mark.parametrize(
    ("file", "line", "contract"), WRONG, ids=[f"{file}: {line}" for file, line, _ in WRONG]
)
def test_a_wrong_import_breaks_its_contract(
    planted: dict[str, str], file: str, line: str, contract: str
) -> None:
    (told,) = [told for name, told in planted.items() if name.startswith(contract)]
    importer = ".".join(Path(file).with_suffix("").parts)
    assert f"- {importer} -> {line.removeprefix('import ')} (l." in re.sub(" +", " ", told)
