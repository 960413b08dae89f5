"""Ends that meet an answer: a signal to the chat keeps the running turn; a supervisor that is ending is
waited for by whatever asks it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from subprocess import PIPE

import pytest

from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, until
from tests.process.eventually import eventually
from tests.process.homes import Environ
from tests.process.screen import Terminal
from tests.process.supervised import Supervised, gone

pytestmark = pytest.mark.timeout(120)

WITHIN = 60.0
SLOW = ["--option", "tokens=100000", "--option", "pace=0.02"]
SIGNALS = [signal.SIGTERM, signal.SIGHUP]


def turns(home: Environ) -> list[list[str]]:
    """The conversations that are kept."""
    command = [sys.executable, "-m", "ai_pal", "history", "export", "--all", "--format", "json"]
    export = subprocess.run(command, env=home, capture_output=True, timeout=WITHIN, check=True).stdout
    return [[message["content"] for message in one["messages"]] for one in json.loads(export)]


def is_running_turn(kept: list[list[str]]) -> bool:
    """One conversation, whose one answer has begun."""
    return len(kept) == 1 and kept[0][0] == "one two" and kept[0][1].startswith("one two one")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_mid_answer_keeps_the_turn_of_a_question(home: Environ, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "ai_pal", "chat", *SLOW, "one two"]
    chat = subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE)
    assert chat.stdout is not None
    said = os.read(chat.stdout.fileno(), 1)
    while b"two one" not in said:
        said += os.read(chat.stdout.fileno(), 100)
    chat.send_signal(number)
    _, err = chat.communicate(timeout=WITHIN)
    assert chat.returncode == 128 + number
    assert b"Traceback" not in err
    assert is_running_turn(turns(home))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_mid_answer_keeps_the_turn_in_a_talk(home: Environ, number: signal.Signals) -> None:
    with Terminal(["chat", *SLOW], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("one two")
        terminal.wait_for("\none two one two")
        terminal.process.kill(number)
        assert terminal.exit_code() == 128 + number
        assert "Traceback" not in terminal.text
    assert is_running_turn(turns(home))


def test_a_terminal_that_is_closed_in_mid_answer_keeps_the_turn(home: Environ) -> None:
    terminal = Terminal(["chat", *SLOW], home)
    terminal.wait_for_prompt()
    terminal.enter("one two")
    terminal.wait_for("\none two one two")
    pid = terminal.process.pid
    assert pid is not None
    os.close(terminal.process.child_fd)  # as a window does
    eventually(lambda: gone(pid), WITHIN)
    assert is_running_turn(turns(home))


def test_who_ignores_sighup_goes_on(home: Environ) -> None:
    command = [
        "nohup",
        sys.executable,
        "-m",
        "ai_pal",
        "chat",
        "--option",
        "tokens=60",
        "--option",
        "pace=0.02",
        "a",
    ]
    chat = subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE)
    assert chat.stdout is not None
    assert os.read(chat.stdout.fileno(), 1) == b"a"
    chat.send_signal(signal.SIGHUP)
    chat.communicate(timeout=WITHIN)
    assert chat.returncode == 0
    assert turns(home)[0][1] == "a " * 60


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("load", "echo"), "echo is ready"),
        (("route", "-m", "echo", PROMPT), "echo"),
        (("pull", "org/name"), ""),
    ],
)
def test_what_meets_a_supervisor_that_is_ending_goes_on_with_another(
    supervise: Callable[..., Supervised], home: Environ, words: tuple[str, ...], told: str
) -> None:
    ending = supervise(drain_seconds=600)
    with ending.client() as client:
        stream = iter(ask(client))  # kept: one that is dropped is cancelled
        until(stream, wire.Delta)
        client.stop()
        command = [sys.executable, "-P", "-m", "ai_pal", *words]
        environ = home | {"HF_HUB_OFFLINE": "1"}
        asked = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, text=True
        )
        eventually(lambda: client.status().clients == 2 or asked.poll() is not None, WITHIN)
    out, err = asked.communicate(timeout=WITHIN)
    assert ending.process.wait(WITHIN) == 0
    assert told in out
    if words[0] == "pull":
        assert "shutting_down" not in err
        assert "[offline]" in err, err
    else:
        assert asked.returncode == 0, err
