"""The commands that look at and steer a supervisor, as a user runs them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.protocol import client as wire
from tests.process.answers import ask, end_of, until
from tests.process.command import ai_pal
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint, listens
from tests.process.screen import Terminal
from tests.process.supervised import Supervised, gone, workers_in

SECONDS = 120
MODEL_MISSING, USAGE, FAILED = 3, 2, 1
WORKER_FIELDS = {
    "abilities",
    "pinned",
    "reserved",
    "model", "state", "engine", "pid", "progress", "memory", "active", "queued", "requests", "restarts",
    "context", "slots", "threads", "idle_for", "unloads_in", "keep_alive", "reason", "vocabulary", "node",
    "calibrating",
    "replica",
}  # fmt: skip


def test_a_current_folder_that_is_gone_is_named(home: Environ, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = f'rmdir "$PWD"; exec "{sys.executable}" -m ai_pal show ./m.gguf'
    done = subprocess.run(
        ["sh", "-c", script], env=home, cwd=tmp_path / "gone", capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == FAILED
    assert done.stderr.startswith("error: the current folder is gone [file_unreadable]\n")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("status", "no supervisor is running"),
        ("status --json", '{\n  "running": false,\n  "workers": [],\n  "gateways": []\n}'),
        ("ps", "no model is loaded"),
        ("ps --json", "[]"),
        ("unload --all", "no model is loaded"),
        ("unload smollm2", "smollm2 is not loaded"),
    ],
)
def test_that_nothing_runs_is_an_answer_and_starts_nothing(home: Environ, command: str, says: str) -> None:
    done = ai_pal(home, *command.split())
    assert (done.returncode, done.stdout) == (0, f"{says}\n")
    assert "error" not in done.stderr
    assert not listens(home)


def test_a_mistyped_model_is_told_although_nothing_runs(home: Environ) -> None:
    done = ai_pal(home, "unload", "smollm3")
    assert (done.returncode, done.stdout) == (MODEL_MISSING, "")
    assert "smollm2" in done.stderr


def test_a_supervisor_in_the_foreground_tells_which_settings_are_the_environments(
    supervise: Callable[..., Supervised],
) -> None:
    (line,) = supervise(threads=1).logged("settings_of_the_environment")
    assert {"AI_PAL_MODEL", "AI_PAL_THREADS"} <= set(line["variables"])


def test_stop_with_nothing_running_is_a_success(home: Environ) -> None:
    for wait in ([], ["--wait"]):
        done = ai_pal(home, "stop", *wait)
        assert (done.returncode, done.stdout, done.stderr) == (0, "no supervisor is running\n", "")
    assert not listens(home)


def test_status_tells_of_the_supervisor_and_its_models(home: Environ, daemon: Supervised) -> None:
    with daemon.client() as client:
        client.ask("hello")
        shown = json.loads(ai_pal(home, "status", "--json").stdout)
        text = ai_pal(home, "status").stdout
        (worker,) = client.status().workers
    assert (shown["running"], shown["pid"]) == (True, daemon.process.pid)
    assert shown["endpoint"] == daemon.endpoint
    assert shown["uptime"] > 0
    assert shown["auto_started"] is False
    assert set(shown["workers"][0]) == WORKER_FIELDS
    assert (shown["workers"][0]["pid"], shown["workers"][0]["requests"]) == (worker.pid, 1)
    assert f"pid {daemon.process.pid}, in the foreground" in text
    assert f"echo   ready  {worker.pid}" in text


def test_ps_is_the_table_alone(home: Environ, daemon: Supervised) -> None:
    assert ai_pal(home, "ps").stdout == "no model is loaded\n"
    assert json.loads(ai_pal(home, "ps", "--json").stdout) == []
    with daemon.client() as client:
        list(client.load("echo", -1))
    head, line = ai_pal(home, "ps").stdout.splitlines()
    assert head.split()[:2] == ["MODEL", "STATE"]
    assert line.split()[:2] == ["echo", "ready"]
    assert line.endswith("never")
    assert json.loads(ai_pal(home, "ps", "--json").stdout)[0]["keep_alive"] == -1


def test_load_starts_a_supervisor_and_shows_progress_in_lines(home: Environ) -> None:
    done = ai_pal(home, "load", "echo?load_seconds=0.5", "--keep-alive", "1h")
    assert done.returncode == 0
    assert re.match(r"echo\?load_seconds=0.5 is ready \(loaded in [\d.]+ s\)", done.stdout)
    lines = done.stderr.splitlines()
    assert len(lines) >= 5
    assert all(line.startswith("loading echo?load_seconds=0.5: ") for line in lines)
    again = ai_pal(home, "load", "echo?load_seconds=0.5")
    assert again.stdout == "echo?load_seconds=0.5 is ready (it was loaded already)\n"
    assert json.loads(ai_pal(home, "ps", "--json").stdout)[0]["keep_alive"] == 3600


def test_several_models_are_loaded_and_each_is_tried(home: Environ, daemon: Supervised) -> None:
    done = ai_pal(home, "load", "echo?id=1", "echo?load_fail=broken", "--keep-alive", "1h", "echo?id=2")
    assert done.returncode == FAILED
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["echo?id=1", "echo?id=2"]
    assert "broken [model_failed]" in done.stderr
    shown = json.loads(ai_pal(home, "ps", "--json").stdout)
    assert {one["model"]: one["keep_alive"] for one in shown if one["state"] == "ready"} == {
        "echo?id=1": 3600,
        "echo?id=2": 3600,
    }


def test_the_window_of_a_load_can_be_chosen_and_is_shown(home: Environ, daemon: Supervised) -> None:
    assert ai_pal(home, "load", "echo", "--context", "4096").stdout.startswith("echo?context=4096 is ready")
    head, row = ai_pal(home, "ps").stdout.splitlines()
    assert "WINDOW" in head
    assert " 4096 " in row
    assert ai_pal(home, "chat", "--context", "4096", "a b").stdout == "a b \n"
    assert len(daemon.workers()) == 1
    refused = ai_pal(home, "chat", "-m", "openai:gpt-4", "--context", "4096", "a")
    assert refused.returncode == USAGE
    assert "is for models of this machine" in refused.stderr


def test_run_is_chat_with_the_model_first(home: Environ, daemon: Supervised) -> None:
    assert ai_pal(home, "run", "echo?id=1", "--max-tokens", "2", "one", "two", "three").stdout == "one two \n"
    with daemon.client() as client:
        assert [worker.model for worker in client.status().workers] == ["echo?id=1"]
    assert ai_pal(home, "run").returncode == USAGE


def test_list_and_ps_fit_eighty_columns(home: Environ, daemon: Supervised) -> None:
    with daemon.client() as client:
        list(client.load("echo?note=a-rather-long-remark-about-this-model-that-nobody-needs"))
    for command in ("ls", "ps", "status"):
        with Terminal([command], home) as terminal:
            assert terminal.exit_code() == 0
            lines = terminal.raw.decode().replace("\r", "").splitlines()
        assert len(lines) > 1
        assert [line for line in lines if len(line) > 80] == []


def test_load_shows_a_bar_on_a_terminal(home: Environ) -> None:
    with Terminal(["load", "echo?load_seconds=0.5"], home) as terminal:
        terminal.wait_for("is ready")
        assert terminal.exit_code() == 0
        assert "━" in terminal.raw.decode()
        assert "━" not in terminal.text


def test_load_says_why_it_failed(home: Environ, daemon: Supervised) -> None:
    failed = ai_pal(home, "load", "echo?load_fail=broken")
    assert failed.returncode == FAILED
    assert "broken [model_failed]" in failed.stderr
    unknown = ai_pal(home, "load", "ecco")
    assert unknown.returncode == MODEL_MISSING
    assert "did you mean echo?" in unknown.stderr
    assert daemon.process.poll() is None


def test_ctrl_c_leaves_the_load_going_on(home: Environ, daemon: Supervised) -> None:
    command = [sys.executable, "-m", "ai_pal", "load", "echo?load_seconds=1.5"]
    with subprocess.Popen(command, env=home, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
    with daemon.client() as client:
        eventually(lambda: [worker.state for worker in client.status().workers] == ["ready"])


def test_unload_frees_one_or_all(home: Environ, daemon: Supervised) -> None:
    with daemon.client() as client:
        for model in ("echo", "echo?slots=2&id=1"):
            list(client.load(model))
    assert ai_pal(home, "unload", "echo?id=1&slots=2").stdout == "echo?id=1&slots=2 is unloaded\n"
    assert len(daemon.workers()) == 1
    assert ai_pal(home, "unload", "--all").stdout == "echo is unloaded\n"
    assert daemon.workers() == []
    assert ai_pal(home, "unload", "echo").stdout == "echo is not loaded\n"
    assert ai_pal(home, "load", "echo", "echo?id=1").returncode == 0
    both = ai_pal(home, "unload", "echo", "nosuch", "echo?id=1")
    assert both.stdout == "echo is unloaded\necho?id=1 is unloaded\n"
    assert both.returncode == MODEL_MISSING
    assert ai_pal(home, "unload", "--all").stdout == "no model is loaded\n"
    assert ai_pal(home, "unload", "ecco").returncode == MODEL_MISSING
    assert ai_pal(home, "unload").returncode == USAGE
    assert ai_pal(home, "unload", "echo", "--all").returncode == USAGE


def test_stop_interrupts_and_can_wait(home: Environ) -> None:
    assert ai_pal(home | {"AI_PAL_DRAIN_SECONDS": "0"}, "load", "echo").returncode == 0
    with Client(client_endpoint(home)) as client:
        stream = ask(client)
        events = until(iter(stream), wire.Delta)
        done = ai_pal(home, "stop", "--wait")
        assert done.stdout == f"the supervisor (pid {client.welcome.pid}) has ended\n"
        assert gone(client.welcome.pid)
        end_of([*events, *stream], wire.Interrupted)
    run_dir = paths.run_dir(home)
    assert not workers_in(run_dir)
    assert os.listdir(run_dir) == ["supervisor.lock"]


def test_logs_are_readable_or_raw(home: Environ) -> None:
    before = ai_pal(home, "logs")
    assert before.returncode == FAILED
    assert "there is no log yet" in before.stderr
    ai_pal(home, "load", "echo")
    ai_pal(home, "stop", "--wait")
    lines = ai_pal(home, "logs", "--json").stdout.splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "supervisor_ready"
    assert events[-1] == "supervisor_stopped"
    assert len(ai_pal(home, "logs", "-n", "2").stdout.splitlines()) == 2
    shown = ai_pal(home, "logs").stdout
    assert "info     worker_phase  model=echo" in shown
    assert "{" not in shown


def test_the_log_of_a_foreground_supervisor_is_found(home: Environ, daemon: Supervised) -> None:
    done = ai_pal(home, "logs", "--json")
    assert done.returncode == 0
    file = Path(home["HOME"]) / "supervise.stderr"
    pid = daemon.process.pid
    assert done.stderr == f"the supervisor (pid {pid}) runs in the foreground and logs to {file}\n"
    assert any(json.loads(line)["event"] == "supervisor_ready" for line in done.stdout.splitlines())


def test_logs_are_followed(home: Environ) -> None:
    command = [sys.executable, "-m", "ai_pal", "logs", "-f", "--json"]
    with subprocess.Popen(command, env=home, stdout=subprocess.PIPE, text=True) as process:
        ai_pal(home, "load", "echo")
        assert process.stdout
        assert json.loads(process.stdout.readline())["event"] == "supervisor_ready"
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130


def test_the_background_log_is_its_owners_and_holds_no_prompt(home: Environ) -> None:
    done = ai_pal(home | {"AI_PAL_LOG_LEVEL": "debug"}, "chat", "a-very-private-word")
    assert done.stdout == "a-very-private-word \n"
    file = Path(home["AI_PAL_HOME"]) / "logs" / "supervisor.log"
    assert file.stat().st_mode & 0o077 == 0
    assert "private-word" not in file.read_text()


def test_show_tells_what_is_known(home: Environ, tmp_path: Path) -> None:
    shown = json.loads(ai_pal(home, "show", "echo?slots=3", "--json").stdout)
    assert (shown["engine"], shown["slots"], shown["keep_alive"]) == ("echo", 3, 300)
    file = tmp_path / "own.gguf"
    file.write_bytes(b"GGUF" + bytes(100))
    shown = json.loads(ai_pal(home, "show", str(file), "--json").stdout)
    assert (shown["engine"], shown["path"], shown["size"]) == ("llamacpp", str(file), 104)
    missing = home | {"AI_PAL_MODEL_CACHE": str(tmp_path)}
    assert "run: ai-pal pull smollm2" in ai_pal(missing, "show", "smollm2").stdout
    assert ai_pal(home, "show", "smoll").returncode == MODEL_MISSING


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completion_knows_the_commands(home: Environ, shell: str) -> None:
    done = ai_pal(home, "completion", shell)
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("supervise", "doctor", "keep-alive"))


def test_the_completion_of_bash_is_valid(home: Environ, tmp_path: Path) -> None:
    script = tmp_path / "ai-pal"
    script.write_text(ai_pal(home, "completion", "bash").stdout)
    subprocess.run(["bash", "-n", script], check=True, timeout=SECONDS)


def test_every_command_has_help_with_an_example(home: Environ) -> None:
    for command in ("status", "ps", "load", "unload", "stop", "logs", "doctor", "completion", "show"):
        done = ai_pal(home, command, "--help")
        assert done.returncode == 0
        assert f"examples:\n  ai-pal {command}" in done.stdout
        assert "exit codes:" in done.stdout
