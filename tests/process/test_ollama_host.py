"""`OLLAMA_HOST` leads us where it leads a real `ollama`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.ollama import installed, running_environment
from tests.servers.ollama_hosts import HOSTS

ROOT = Path(__file__).parents[2]
OWN_NETWORK = ["unshare", "--map-root-user", "--net"]


def test_the_table_is_what_a_real_ollama_dials(tmp_path: Path) -> None:
    folder = installed()
    if folder is None:
        pytest.skip("the Ollama server for tests is not here: scripts/fetch_ollama")
    try:
        subprocess.run([*OWN_NETWORK, "true"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network of one's own is to be had here: unshare --net")
    done = subprocess.run(
        [*OWN_NETWORK, sys.executable, "-m", "tests.servers.ollama_dials", str(folder / "bin" / "ollama")],
        env=running_environment(folder, tmp_path),
        cwd=ROOT,
        input=json.dumps(list(HOSTS)),
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    dialled = json.loads(done.stdout)
    assert {said: dialled[said] for said in HOSTS} == HOSTS
