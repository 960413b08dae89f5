"""The SDKs of Node against the gateway: what each script checks, and what came of it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "node"
SECONDS = 300.0


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where `scripts/setup --dev` has put them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "ai-pal-tests" / "node"
    there = shutil.which("node") and (found / "node_modules").is_dir()
    if not there and not os.environ.get("CI"):
        pytest.skip("no Node with its SDKs: scripts/fetch_node_sdks")
    assert there, "scripts/fetch_node_sdks brings them"
    return found


@pytest.mark.parametrize("sdk", ["openai", "anthropic", "ollama", "vercel"])
def test_all_that_a_script_checks_holds(sdk: str, gateway: str, packages: Path, tmp_path: Path) -> None:
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    done = subprocess.run(
        ["node", f"{sdk}.mjs"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GATEWAY": gateway},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found, done.stderr
    assert {one["check"]: one["why"] for one in found if one["why"]} == {}
