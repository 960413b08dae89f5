"""Completion in the real shells: what is typed, Tab, and what stands on the command line then."""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from ai_pal.config import presets
from ai_pal.config.presets import Preset
from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations
from tests.process.homes import Environ

pytestmark = pytest.mark.timeout(180)

SECONDS = 60
BIN = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")
SHOW = "\x18"
"""Ctrl-X: writes the command line to a file."""

BIND_BASH = """bind -x '"\\C-x": printf %s "$READLINE_LINE" > $OUT'"""
BIND_ZSH = "_s() { print -rn -- $BUFFER > $OUT }; zle -N _s; bindkey '^X' _s"
BIND_FISH = "bind \\cx 'commandline | string collect > $OUT'"

CONFIG = """
[models.my-coder]
path = "/models/coder.gguf"

[models.gpt]
model = "openai:gpt-4"

[providers.openai]
mid = "own-mid-3.5"
"""


@pytest.fixture
def user(home: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environ:
    """Somebody with models, presets and conversations, in a folder with files."""
    folder = Path(home["AI_PAL_HOME"])
    for name in ("AI_PAL_MODEL", "AI_PAL_HOME"):
        monkeypatch.setenv(name, home[name])
    config = folder / "config.toml"
    config.write_text(CONFIG)
    presets.save_fields("reviewer", Preset(seed=1), ())
    store = Conversations(folder / "ai-pal.db")
    store.begin("About the sea", [Message(role="user", content="x", at=1.0)], now=1.0)
    store.close()
    (tmp_path / "some models").mkdir()
    (tmp_path / "some models" / "tiny.gguf").touch()
    (tmp_path / "some models" / "notes.txt").touch()
    return home | {"AI_PAL_CONFIG": str(config), "PATH": f"{BIN}:{os.environ['PATH']}", "PS1": "$ "}


class Shell:
    """An interactive shell with the completion script, in a terminal."""

    def __init__(self, name: str, environ: Environ, folder: Path) -> None:
        if shutil.which(name) is None:
            missing = f"{name} is not installed: scripts/setup --dev brings it where it may"
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        self._line = folder / "line"
        self._environ = environ | {"OUT": str(self._line)}
        script = folder / "completions" / "_ai-pal"  # as zsh wants it called
        script.parent.mkdir()
        made = subprocess.run(
            [sys.executable, "-m", "ai_pal", "completion", name],
            env=environ,
            capture_output=True,
            timeout=SECONDS,
        )
        script.write_bytes(made.stdout)
        begin = {
            "bash": (["--norc", "--noprofile", "-i"], f"source {script}; {BIND_BASH}"),
            "zsh": (
                ["-f", "-i"],
                f"fpath+={script.parent}; autoload -Uz compinit; compinit -D -u; {BIND_ZSH}",
            ),
            "fish": (["--no-config", "-i"], f"source {script}; {BIND_FISH}"),
        }
        arguments, first = begin[name]
        self._process = pexpect.spawn(
            name,
            arguments,
            env=self._environ,
            cwd=folder,
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(24, 200),
        )
        self._process.sendline(f"{first}; touch $OUT")
        self._wait(self._line.exists)

    def complete(self, typed: str) -> str:
        """The command line after a Tab behind `typed`, which is cleared afterwards."""
        self._line.unlink(missing_ok=True)
        self._process.send(f"{typed}\t{SHOW}")
        self._wait(lambda: self._line.exists() and self._line.read_text() != "")
        found = self._line.read_text().rstrip("\n")
        self._process.send("\x05\x15")  # to the end of the line, and all of it away
        return found

    def close(self) -> None:
        self._process.close(force=True)

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            assert time.monotonic() < deadline, self._process.before
            with_output = self._process.expect([".+", pexpect.TIMEOUT, pexpect.EOF], timeout=0.1)
            assert with_output != 2, self._process.before


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, user: Environ, tmp_path: Path) -> Iterator[Shell]:
    made = Shell(request.param, user, tmp_path)
    yield made
    made.close()


def test_names_are_completed_as_they_are_at_that_moment(shell: Shell, user: Environ) -> None:
    assert shell.complete("ai-pal dia").strip() == "ai-pal dia"
    assert shell.complete("ai-pal docto") == "ai-pal doctor "
    assert shell.complete("ai-pal chat --temper") == "ai-pal chat --temperature "
    assert shell.complete("ai-pal chat -m my-c") == "ai-pal chat -m my-coder "
    assert shell.complete("ai-pal run tiny") == "ai-pal run tinyllama "
    assert shell.complete("ai-pal chat -m openai:own") == "ai-pal chat -m openai:own-mid-3.5 "
    assert shell.complete("ai-pal chat -m coher") == "ai-pal chat -m cohere:"
    assert shell.complete("ai-pal chat -p rev") == "ai-pal chat -p reviewer "
    assert shell.complete("ai-pal history show ") == "ai-pal history show 1 "
    assert shell.complete("ai-pal keys set anth") == "ai-pal keys set anthropic "
    assert shell.complete("ai-pal config set keep_") == "ai-pal config set keep_alive "
    assert (
        shell.complete("ai-pal config set models.my-coder.thr")
        == "ai-pal config set models.my-coder.threads "
    )
    with Path(user["AI_PAL_CONFIG"]).open("a") as config:
        config.write('[models.new-one]\nmodel = "phi-2"\n')
    assert shell.complete("ai-pal chat -m new") == "ai-pal chat -m new-one "


def test_what_is_removed_or_unloaded_is_here_and_in_no_cloud(shell: Shell) -> None:
    for removing in ("rm coher", "load coher", "embed -m coher", "rm tinyl"):
        assert shell.complete(f"ai-pal {removing}").rstrip() == f"ai-pal {removing}"
    assert shell.complete("ai-pal rm my-c") == "ai-pal rm my-coder "
    assert shell.complete("ai-pal load tinyl") == "ai-pal load tinyllama "


def test_a_model_may_be_a_file(shell: Shell) -> None:
    assert shell.complete("ai-pal chat -m ./some") == "ai-pal chat -m ./some\\ models/"
    assert shell.complete("ai-pal chat -m ./some\\ models/") == "ai-pal chat -m ./some\\ models/tiny.gguf "


def test_levels_and_files_of_new_options_are_completed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "chart.png").touch()
    (tmp_path / "person.json").touch()
    assert shell.complete("ai-pal chat --schem") == "ai-pal chat --schema "
    assert shell.complete("ai-pal chat --think med") == "ai-pal chat --think medium "
    assert shell.complete("ai-pal chat -a char") == "ai-pal chat -a chart.png "
    assert shell.complete("ai-pal chat --schema pers") == "ai-pal chat --schema person.json "
    assert shell.complete("ai-pal embed --dim") == "ai-pal embed --dimensions "
    assert shell.complete("ai-pal rerank -m tiny") == "ai-pal rerank -m tinyllama "
    assert shell.complete("ai-pal count -f char") == "ai-pal count -f chart.png "


@pytest.mark.parametrize(
    ("kind", "beginning", "expected"),
    [
        ("models", "my", "my-coder\t/models/coder.gguf"),
        ("models", "phi-2:q4", "phi-2:q4_k_m"),
        ("local", "my", "my-coder\t/models/coder.gguf"),
        ("local", "openai:own", ""),
        ("local", "open", ""),
        ("here", "my", "my-coder\t/models/coder.gguf"),
        ("here", "open", ""),
        ("here", "phi-2", ""),
        ("loaded", "", ""),
        ("presets", "", "reviewer"),
        ("conversations", "", "1\tAbout the sea"),
        ("settings", "budget.d", "budget.day\tUS dollars per day; unset is no limit."),
        ("commands", "docto", "doctor\tcheck this machine and say how to mend what is wrong"),
        ("nonsense", "", ""),
    ],
)
def test_names_are_listed(user: Environ, kind: str, beginning: str, expected: str) -> None:
    done = complete(user, kind, beginning)
    assert (done.stdout.splitlines() or [""])[0] == expected
    assert done.stderr == ""


def test_a_broken_config_completes_what_is_left_and_says_nothing(user: Environ) -> None:
    Path(user["AI_PAL_CONFIG"]).write_text("nonsense = 1")
    done = complete(user, "presets", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "reviewer\n", "")
    done = complete(user, "models", "")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_engine_for_tests_is_not_offered(user: Environ) -> None:
    assert "echo" not in complete(user, "models", "").stdout.split()


def test_it_is_quick(user: Environ) -> None:
    """CPU time of the child, which a busy machine leaves alone: 70 ms where 100 are allowed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    rounds = 5
    for _ in range(rounds):
        complete(user, "models", "")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / rounds < 0.25


def test_it_imports_nothing_heavy(user: Environ) -> None:
    call = "import sys; from ai_pal.cli import run; run(['complete', 'models', ''])"
    program = f"{call}; sys.exit(' '.join(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=user, capture_output=True, text=True, timeout=SECONDS)
    heavy = {"shtab", "rich", "zmq", "prompt_toolkit", "tomlkit", "sqlite3", "structlog", "anyio", "psutil"}
    assert heavy & set(done.stderr.split()) == set()


def complete(user: Environ, kind: str, beginning: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ai_pal", "complete", kind, beginning]
    return subprocess.run(command, env=user, capture_output=True, text=True, timeout=SECONDS, check=False)
