"""`ai-pal bench` through a real supervisor: figures of the echo engine, and nothing is left loaded."""

import json
import signal
import subprocess
import sys

import pytest

from tests.process.eventually import eventually
from tests.process.supervised import Supervised

pytestmark = pytest.mark.timeout(180)


def test_a_model_is_measured_and_unloaded_and_is_in_no_account(daemon: Supervised) -> None:
    command = [sys.executable, "-m", "ai_pal", "bench", "echo", "--repeat", "2", "--answer", "8", "--json"]
    done = subprocess.run(command, env=daemon.environ, capture_output=True, check=True)
    found = json.loads(done.stdout)
    (row,) = found["rows"]
    assert (row["model"], row["as_set"], len(row["runs"])) == ("echo", True, 2)
    assert row["decode"] > 0
    assert [run["answer_tokens"] for run in row["runs"]] == [8, 8]
    assert found["advice"][0]["model"] == "echo"
    with daemon.client() as client:
        assert not client.status().workers
    usage = subprocess.run(
        [sys.executable, "-m", "ai_pal", "usage", "--json"],
        env=daemon.environ,
        capture_output=True,
        check=True,
    )
    assert json.loads(usage.stdout)["answers"] == 0


def test_ctrl_c_in_the_midst_leaves_nothing_loaded_and_says_nothing(daemon: Supervised) -> None:
    command = [sys.executable, "-m", "ai_pal", "bench", "echo?pace=0.3", "--json"]
    measuring = subprocess.Popen(command, env=daemon.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        with daemon.client() as client:
            assert eventually(lambda: any(one.state == "busy" for one in client.status().workers), within=60)
            measuring.send_signal(signal.SIGINT)
            out, told = measuring.communicate(timeout=60)
            assert not client.status().workers
    finally:
        measuring.kill()
        measuring.wait()
    assert (measuring.returncode, out) == (128 + signal.SIGINT, b"")
    assert b"Traceback" not in told
