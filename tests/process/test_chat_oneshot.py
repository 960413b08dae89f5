"""`ai-pal chat PROMPT` in pipes, against a real supervisor and the echo engine."""

import json
import signal
import subprocess
import sys

import pytest

from ai_pal.client import Client
from tests.process.command import ai_pal_bytes
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint, listens
from tests.process.screen import Terminal

SECONDS = 120
SLOW = ["--option", "tokens=100000", "--option", "pace=0.02"]


def chat(environ: Environ, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return ai_pal_bytes(environ, "chat", *args, stdin=stdin)


def assert_computing_stops(environ: Environ) -> None:
    with Client(client_endpoint(environ)) as client:
        eventually(lambda: not sum(one.active + one.queued for one in client.status().workers))


def test_the_answer_is_all_that_a_pipe_gets(home: Environ) -> None:
    done = chat(home, "hello world")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello world \n", b"")


def test_stdin_alone_and_stdin_behind_the_argument(home: Environ) -> None:
    assert chat(home, stdin=b"from a pipe\n").stdout == b"from a pipe \n"
    assert chat(home, "question:", stdin=b"diff\n").stdout == b"question: diff \n"
    assert chat(home, "-", stdin=b"from a pipe\n").stdout == b"from a pipe \n"


def test_words_need_no_quotes_and_a_dash_reads_a_terminal(home: Environ) -> None:
    assert chat(home, "why", "--seed", "1", "is", "it").stdout == b"why is it \n"
    with Terminal(["chat", "so:", "-"], home) as terminal:
        terminal.send("typed\r\x04")
        assert terminal.exit_code() == 0
    assert "so: typed" in terminal.text


def test_a_pipe_gets_control_characters_as_they_are(home: Environ) -> None:
    assert chat(home, "\x1b]52;c;aGk=\x07").stdout == b"\x1b]52;c;aGk=\x07 \n"


def test_text_comes_while_it_is_generated(home: Environ) -> None:
    command = [sys.executable, "-m", "ai_pal", "chat", "one two", *SLOW]
    with subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read(8) == b"one two "
        assert process.poll() is None
        process.kill()


def test_a_reader_that_leaves_ends_it_quietly_and_stops_the_computing(home: Environ) -> None:
    line = f'{sys.executable} -m ai_pal chat one {" ".join(SLOW)} | head -c 3; echo " ${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", line],
        env=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"one 141\n", b"")
    assert_computing_stops(home)


def test_ctrl_c_stops_the_answer_and_what_was_printed_stays(home: Environ) -> None:
    command = [sys.executable, "-m", "ai_pal", "chat", "one", *SLOW]
    with subprocess.Popen(
        command, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        begin = process.stdout.read(4)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (130, b"")
    assert (begin + out).endswith(b"one \n")
    assert_computing_stops(home)


def test_json_is_one_object(home: Environ) -> None:
    done = chat(home, "--json", "a b")
    found = json.loads(done.stdout)
    assert (found["text"], found["model"], found["tier"], found["finish_reason"]) == (
        "a b ",
        "echo",
        1,
        "stop",
    )
    assert found["usage"]["completion_tokens"] == 2
    assert found["timings"]["first_token"] > 0
    assert (found["notices"], found["reasons"]) == ([], [])


def test_jsonl_is_an_event_a_line(home: Environ) -> None:
    events = [json.loads(line) for line in chat(home, "--jsonl", "a b").stdout.splitlines()]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "done"
    assert "".join(event["text"] for event in events if event["type"] == "delta") == "a b "


def test_jsonl_tells_how_far_a_long_prompt_is_read(home: Environ) -> None:
    done = chat(home, "--jsonl", "--option", "prefill_seconds=3", "a b c d")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    told = [(event["done"], event["total"]) for event in events if event["type"] == "reading"]
    assert told[-1] == (4, 4)
    assert done.stderr == b""


def test_an_answer_that_repeats_itself_ends_with_a_word_on_stderr(home: Environ) -> None:
    done = chat(home, "--option", "stop_repeating=true", "--option", "tokens=100000", "again and")
    assert done.returncode == 0
    assert 500 < len(done.stdout) < 5000
    assert done.stderr == b"the model said the same over and over, and was stopped\n"


def test_who_wanted_a_form_of_one_that_goes_round_is_not_told_to_let_it_be_longer(home: Environ) -> None:
    form = '{"type": "array", "items": {"const": "responsibility"}, "minItems": 20000}'
    done = chat(home, "--option", "stop_repeating=true", "--option", "pace=0.002", "--schema", form, "hello")
    assert done.returncode == 4
    assert b"ended before its form was whole" in done.stderr
    assert b"another model" in done.stderr
    assert b"--max-tokens" not in done.stderr


def test_no_wait_is_for_conversations(home: Environ) -> None:
    done = chat(home, "--no-wait", "a")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--no-wait is for conversations" in done.stderr


def test_json_of_a_failure_is_an_object_too(home: Environ) -> None:
    done = chat(home, "--json", "-m", "smoll", "a")
    assert done.returncode == 3
    assert json.loads(done.stdout)["reasons"][0]["code"] == "model_not_found"


def test_an_unknown_model_names_the_nearest(home: Environ) -> None:
    done = chat(home, "-m", "smoll", "a")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"[model_not_found]" in done.stderr
    assert b"smollm2" in done.stderr


@pytest.mark.parametrize("args", [[], [""], [" \n"]])
def test_an_empty_prompt_is_refused(home: Environ, args: list[str]) -> None:
    done = chat(home, *args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: the prompt is empty [empty_prompt]\nhint: ")


def test_invalid_utf8_on_stdin_names_the_byte(home: Environ) -> None:
    done = chat(home, "ask", stdin=b"caf\xe9 au lait")
    assert done.returncode == 2
    assert b"byte 0xe9 at offset 3 [input_not_utf8]" in done.stderr


def test_a_broken_configuration_is_named(home: Environ) -> None:
    done = chat(home | {"AI_PAL_THREADS": "many"}, "a")
    assert done.returncode == 7
    assert b"AI_PAL_THREADS" in done.stderr


def test_an_answer_that_breaks_off_keeps_its_text_and_says_why(home: Environ) -> None:
    done = chat(home, "a b c d", "--option", "exit_at=2", "--option", "pace=0.05")
    assert (done.returncode, done.stdout) == (4, b"a b \n")
    assert b"error: " in done.stderr
    assert b"[worker_died]" in done.stderr


def test_a_deadline_ends_the_answer(home: Environ) -> None:
    done = chat(home, "a", *SLOW, "--deadline", "500ms")
    assert done.returncode in (1, 4)
    assert b"[deadline_exceeded]" in done.stderr


def test_a_chat_without_daemon_leaves_none_behind(home: Environ) -> None:
    assert chat(home, "--no-daemon", "hello").stdout == b"hello \n"
    assert not listens(home)


@pytest.mark.parametrize("form", ["", "--json", "--jsonl"])
def test_a_full_disk_behind_stdout_is_an_error_without_a_traceback(home: Environ, form: str) -> None:
    command = [sys.executable, "-m", "ai_pal", "chat", *form.split(), "hi"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command,
            env=home,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
        )
    assert done.returncode == 1
    assert b"[disk_full]" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&-"])
def test_closed_streams_are_no_obstacle(home: Environ, closed: str) -> None:
    command = ["sh", "-c", f'"{sys.executable}" -m ai_pal chat hi {closed}']
    done = subprocess.run(command, env=home, capture_output=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, b"")
