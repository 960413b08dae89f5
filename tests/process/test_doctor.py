"""`ai-pal doctor` on machines with something wrong."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ai_pal.config import paths
from tests.process.command import ai_pal
from tests.process.homes import Environ, listens
from tests.process.supervised import Supervised


def doctor(environ: Environ) -> tuple[int, dict[str, Any]]:
    """The exit code, and each finding by the name of its check."""
    done = ai_pal(environ, "doctor", "--offline", "--json")
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["ok"] is (done.returncode == 0)
    return done.returncode, {finding["check"]: finding for finding in report["checks"]}


def test_a_healthy_machine(home: Environ) -> None:
    code, found = doctor(home)
    assert code == 0
    assert {finding["state"] for finding in found.values()} <= {"ok", "warn"}
    assert found["engine llamacpp"]["state"] == "ok"
    assert found["supervisor"]["text"] == "none runs; `ai-pal chat` starts one"
    assert not listens(home)
    assert not paths.run_dir(home).exists()


def test_a_variable_that_names_nothing_is_told(home: Environ) -> None:
    code, found = doctor(home | {"AI_PAL_NOSUCH": "1"})
    assert (code, found["config"]["state"]) == (0, "warn")
    assert "AI_PAL_NOSUCH" in found["config"]["text"]
    assert "from the environment: AI_PAL_MODEL" in found["config"]["text"]


def test_a_running_supervisor_is_compared(home: Environ, daemon: Supervised) -> None:
    _, found = doctor(home)
    assert found["supervisor"]["state"] == "ok"
    assert f"pid {daemon.process.pid}" in found["supervisor"]["text"]
    code, found = doctor(home | {"AI_PAL_QUEUE_SIZE": "7"})
    assert code == 0
    assert found["supervisor"]["state"] == "warn"
    assert found["supervisor"]["mend"] == "run: ai-pal stop (the next chat starts another)"


def test_a_supervisor_that_does_not_answer(home: Environ, daemon: Supervised) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    code, found = doctor(home)
    daemon.process.send_signal(signal.SIGCONT)
    assert code == 1
    assert (
        found["supervisor"]["mend"] == f"end it: kill -CONT {daemon.process.pid}; kill {daemon.process.pid}"
    )


def test_a_file_in_the_place_of_a_socket(home: Environ) -> None:
    file = paths.make_private(paths.run_dir(home)) / "front.sock"
    file.write_text("precious")
    code, found = doctor(home)
    assert code == 1
    assert found["sockets"]["mend"].startswith("look at it and move it away")
    assert file.read_text() == "precious"


def test_a_run_directory_that_is_open_or_of_another_user(home: Environ) -> None:
    run_dir = paths.make_private(paths.run_dir(home))
    run_dir.chmod(0o755)
    code, found = doctor(home)
    assert (code, found["run directory"]["state"]) == (0, "warn")
    if os.getuid() == 0:
        os.chown(run_dir, 65534, 65534)
        code, found = doctor(home)
        assert (code, found["run directory"]["state"]) == (1, "fail")


def test_left_over_sockets_are_no_fault(home: Environ, daemon: Supervised) -> None:
    daemon.process.kill()
    daemon.process.wait()
    code, found = doctor(home)
    assert code == 0
    assert "left over, which is no obstacle" in found["sockets"]["text"]


def test_an_invalid_config_leaves_the_other_checks(home: Environ, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("thread = 2\n")
    code, found = doctor(home | {"AI_PAL_CONFIG": str(config)})
    assert code == 1
    assert "config.toml:1" in found["config"]["text"]
    assert found["config"]["mend"] == "did you mean threads?"
    assert "python" in found


def test_models_that_are_missing_or_damaged(home: Environ, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[models.own]\npath = "/nowhere.gguf"\n')
    cache = tmp_path / "cache"
    environ = home | {"AI_PAL_CONFIG": str(config), "AI_PAL_MODEL_CACHE": str(cache)}
    code, found = doctor(environ)
    assert code == 1
    assert found["starter model"]["state"] == "ok"  # echo answers
    code, found = doctor(environ | {"AI_PAL_MODEL": ""})
    assert code == 1
    assert found["starter model"]["mend"] == "run: ai-pal pull smollm2"
    assert found["default model"]["state"] == "ok"
    assert found["model own"]["state"] == "fail"
    starter = cache / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    starter.parent.mkdir(parents=True)
    starter.write_bytes(b"GGUF")
    _, found = doctor(environ)
    assert found["starter model"]["state"] == "fail"


@pytest.mark.parametrize(
    ("model", "says", "mend"),
    [
        ("nosuch", "model 'nosuch' not found: ", "local.model"),
        ("phi-3", "not on this machine", "pull phi-3"),
    ],
)
def test_another_in_the_place_of_the_local_model_is_told(
    home: Environ, tmp_path: Path, model: str, says: str, mend: str
) -> None:
    environ = home | {"AI_PAL_MODEL": "", "AI_PAL_LOCAL_MODEL": model, "AI_PAL_MODEL_CACHE": str(tmp_path)}
    code, found = doctor(environ)
    assert (code, found["local.model"]["state"]) == (0, "warn")
    assert says in found["local.model"]["text"]
    assert found["local.model"]["text"].endswith("smollm2 answers in its place")
    assert mend in found["local.model"]["mend"]


def test_a_cache_that_cannot_be_written(home: Environ, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    code, found = doctor(home | {"AI_PAL_MODEL_CACHE": str(in_the_way / "models")})
    assert code == 1
    assert found["model cache"]["state"] == "fail"


def test_people_get_a_line_each_and_how_to_mend(home: Environ) -> None:
    done = ai_pal(home | {"AI_PAL_THREADS": "x"}, "doctor", "--offline")
    assert done.returncode == 1
    assert "fail  config" in done.stdout
    assert "-> see docs/settings.md" in done.stdout
    assert "1 of 16 checks failed" in done.stdout.splitlines()[-1]


def test_a_damaged_history_and_a_key_that_others_can_read(home: Environ) -> None:
    (Path(home["AI_PAL_HOME"]) / "ai-pal.db").write_bytes(b"damaged" * 1000)
    config = Path(home["AI_PAL_HOME"]) / "config.toml"
    config.write_text('[providers.openai]\napi_key = "sk-canary"\n')
    config.chmod(0o644)
    code, found = doctor(home | {"AI_PAL_CONFIG": str(config)})
    assert code == 1
    assert "ai-pal.db.damaged" in found["history"]["mend"]
    assert found["keys"]["mend"] == f"chmod 600 {config}"
    assert "canary" not in json.dumps(found)
