"""Looking on at a real supervisor: from Python, and with `ai-pal ps --watch`."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire
from tests.contract.client_faces import FACES, AnyFace, connected
from tests.process.eventually import eventually
from tests.process.screen import Terminal
from tests.process.supervised import Supervised

pytestmark = pytest.mark.timeout(180)
WORDS = "a secret of seven words and more"
CTRL_C = 130


@pytest.fixture(params=FACES, ids=["blocking", "asyncio"])
async def face(request: pytest.FixtureRequest, daemon: Supervised) -> AsyncIterator[AnyFace]:
    async with connected(request.param, daemon.endpoint) as face:
        yield face


@pytest.mark.anyio
async def test_one_answer_is_seen_from_its_question_to_its_end(face: AnyFace, daemon: Supervised) -> None:
    seen: list[wire.Picture | wire.Changes] = []
    scene = Scene()
    with daemon.client() as watcher:
        events = watcher.events()
        seen.append(next(events))
        done = (await face.call("ask", WORDS, extra={"pace": 0.2})).usage
        await face.call("unload", "echo")
        while not any(model.state == wire.GONE for model in seen[-1].models):
            seen.append(next(events))
    for event in seen:
        scene.take(event)
    requests = [one for event in seen for one in event.requests if one.kind == "chat"]
    phases = list(dict.fromkeys(one.phase for one in requests))
    assert phases == ["asked", "accepted", "loading", "answering", "done"] or phases == [
        "asked", "accepted", "loading", "computing", "answering", "done"
    ]  # fmt: skip
    last = requests[-1]
    assert (last.usage, last.tokens, last.tier) == (done, done.completion_tokens, 1)
    assert last.first_token is not None
    assert 0 < last.first_token < last.seconds
    assert last.pid > 0
    assert any(0 < one.tokens < done.completion_tokens for one in requests), "it is seen to grow"
    states = list(dict.fromkeys(one.state for event in seen for one in event.models))
    assert [state for state in states if state in ("starting", "loading", "busy", "ready", "gone")][
        -1
    ] == "gone"
    assert {"loading", "busy"} & set(states)
    assert not scene.models
    assert not scene.requests
    for word in WORDS.split():
        assert f" {word} " not in repr(seen)
    assert "secret" not in repr(seen)


def test_a_terminal_shows_what_is_asked_and_ends_with_ctrl_c(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color"}
    with Terminal(["ps", "--watch"], environ, columns=120) as terminal, daemon.client() as client:
        terminal.wait_for("no model is loaded")
        stream = client.chat(WORDS, extra={"pace": 0.5, "tokens": 10_000})
        terminal.wait_for(r"chat +echo +answering +[1-9]")
        terminal.wait_for(r"echo +busy")
        stream.close()
        terminal.wait_for(r"echo +ready")
        terminal.send("\x03")
        assert terminal.exit_code() == CTRL_C
        assert terminal.raw.rstrip().endswith(b"\x1b[?25h"), "the cursor is back"
    assert "secret" not in terminal.text


def test_q_ends_it_on_a_terminal(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color"}
    with Terminal(["ps", "--watch"], environ, columns=120) as terminal:
        terminal.wait_for("no model is loaded")
        terminal.send("xq")
        assert terminal.exit_code() == 0
        assert b"\x1b[?25h" in terminal.raw[-60:], "the cursor is back"


def test_q_ends_it_also_while_it_waits(home: dict[str, str]) -> None:
    with Terminal(["ps", "--watch"], home) as terminal:
        terminal.wait_for("waiting for one")
        terminal.send("q")
        assert terminal.exit_code() == 0
        assert "q" not in terminal.text.split()[-1]


def test_a_supervisor_that_does_not_run_yet_is_waited_for(home: dict[str, str], tmp_path: Path) -> None:
    out, told = tmp_path / "out", tmp_path / "told"
    with out.open("wb") as stdout, told.open("wb") as stderr:
        command = [sys.executable, "-m", "ai_pal", "ps", "--watch", "--json"]
        watching = subprocess.Popen(command, env=home, stdout=stdout, stderr=stderr)
    supervisor = None
    try:
        assert eventually(
            lambda: b"no supervisor is running: waiting for one" in told.read_bytes(), within=60
        )
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ai_pal", "supervise"], env=home, stderr=subprocess.DEVNULL
        )
        assert eventually(lambda: b"picture" in out.read_bytes(), within=60)
        supervisor.terminate()
        assert watching.wait(60) == 0
        assert b"the supervisor has ended" in told.read_bytes()
    finally:
        for process in filter(None, (watching, supervisor)):
            process.kill()
            process.wait()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_pipe_gets_lines_until_the_supervisor_ends(
    daemon: Supervised, as_json: bool, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "ai_pal", "ps", "--watch", *(["--json"] if as_json else [])]
    with out.open("wb") as file:
        watching = subprocess.Popen(command, env=daemon.environ, stdout=file, stderr=subprocess.PIPE)
    try:
        with daemon.client() as client:

            def is_seen() -> bool:
                client.ask(WORDS)  # the first ones may come before anybody looks on
                return b"done" in out.read_bytes()

            eventually(is_seen)
        daemon.terminate(30.0)
        _, stderr = watching.communicate(timeout=60)
    finally:
        watching.kill()
        watching.wait()
    text = out.read_text()
    assert watching.returncode == 0
    assert b"the supervisor has ended" in stderr
    assert "\x1b" not in text
    assert "secret" not in text
    if as_json:
        every = [json.loads(line) for line in text.splitlines()]
        assert every[0]["type"] == "picture"
        assert {one["type"] for one in every[1:]} == {"changes"}
    else:
        assert " chat echo done 7 tokens" in text


def test_who_only_looks_on_keeps_no_supervisor(supervise: object, daemon: Supervised) -> None:
    with daemon.client() as watcher, daemon.client() as other:
        events = watcher.events()
        assert isinstance(next(events), wire.Picture)
        assert isinstance(other.stop(only_if_idle=True), wire.Stopping)
    assert daemon.process.wait(30.0) == 0


def test_sigterm_gives_the_cursor_back(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color"}
    with Terminal(["ps", "--watch"], environ) as terminal:
        terminal.wait_for("no model is loaded")
        terminal.process.kill(signal.SIGTERM)
        assert terminal.exit_code() == 128 + signal.SIGTERM
        assert terminal.raw.rstrip().endswith(b"\x1b[?25h")


def test_suspended_it_leaves_the_shell_a_clean_terminal_and_goes_on(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color", "PS1": "shell> "}
    with Terminal(["ps", "--watch"], environ, as_job=True) as terminal:
        terminal.wait_for("no model is loaded")
        terminal.send("\x1a")
        terminal.wait_for(r"Stopped(?s:.*)shell>\Z")
        assert "no model is loaded" not in terminal.text
        assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")
        terminal.enter("fg")
        terminal.wait_for("no model is loaded")
        terminal.send("q")
        terminal.wait_for(r"no model is loaded\nshell>\Z")
