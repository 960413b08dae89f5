"""Thoughts, tool calls, forms and attachments: in pipes, in JSON, in a terminal, in the history."""

import json
from pathlib import Path

import pytest

from tests.pictures import png
from tests.process.command import ai_pal_bytes
from tests.process.homes import Environ
from tests.process.screen import Terminal
from tests.unit.attachments.pdfs import pdf

PARAMETERS = {"type": "object", "required": ["city"], "properties": {"city": {}}}
WEATHER = json.dumps([{"name": "weather", "parameters": PARAMETERS}])
FOLDED = r"thought for \d+(\.\d+)? s, \d+ tokens"


def test_a_pipe_gets_the_answer_without_what_was_thought(home: Environ) -> None:
    done = ai_pal_bytes(home, "chat", "--think", "high", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello \n", b"")


def test_json_tells_the_parts_apart(home: Environ) -> None:
    done = ai_pal_bytes(home, "chat", "--json", "--think", "on", "--logprobs", "1", "hello")
    found = json.loads(done.stdout)
    assert (found["text"], found["thinking"]) == ("hello ", "I think about hello ")
    assert [token["token"] for token in found["logprobs"]][-1] == "hello "
    lines = ai_pal_bytes(home, "chat", "--jsonl", "--think", "on", "hello").stdout.splitlines()
    deltas = [event for event in map(json.loads, lines) if event["type"] == "delta"]
    assert {(delta["kind"], delta["index"]) for delta in deltas} == {("reasoning", 0), ("text", 1)}


def test_tool_calls_are_printed_and_nothing_is_run(home: Environ, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(WEATHER)
    done = ai_pal_bytes(home, "chat", "--tools", str(tools), "--tool-choice", "weather", "hello")
    name, _, arguments = done.stdout.decode().partition(" ")
    assert (done.returncode, name, list(json.loads(arguments))) == (0, "weather", ["city"])
    [call] = json.loads(ai_pal_bytes(home, "chat", "--json", "--tools", str(tools), "weather").stdout)[
        "tool_calls"
    ]
    assert call["name"] == "weather"
    assert "weather {" in ai_pal_bytes(home, "history", "show").stdout.decode()


def test_a_schema_binds_the_answer(home: Environ) -> None:
    schema = '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'
    done = ai_pal_bytes(home, "chat", "--schema", schema, "hello")
    assert isinstance(json.loads(done.stdout)["n"], int)


def test_an_answer_that_is_cut_off_is_no_json(home: Environ, starter_model: Path) -> None:
    schema = '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'
    starter = home | {"AI_PAL_MODEL_CACHE": str(starter_model.parent.parent)}
    asked = ["chat", "-m", "smollm2", "--schema", schema, "--max-tokens", "2", "hello"]
    done = ai_pal_bytes(starter, *asked)
    assert done.returncode == 4
    assert b"ended before its form was whole" in done.stderr
    assert b"--max-tokens" in done.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--schema", "nowhere.json"], "there is no schema to read in 'nowhere.json'"),
        (["--schema", '{"type": "objekt"}'], "'objekt' is no type of JSON"),
        (["--logprobs", "2"], "--logprobs are only shown as JSON"),
        (["--tool-choice", "auto"], "--tool-choice says nothing without tools"),
        (["--schema", "{}", "--json-object"], "not allowed with argument"),
        (["-a", "nowhere.txt"], "'nowhere.txt' cannot be attached: No such file"),
        (["--seed", "1", "--option", "seed=2"], "seed is given twice"),
    ],
)
def test_what_cannot_be_asked_is_one_line_before_anybody_is(
    home: Environ, args: list[str], says: str
) -> None:
    done = ai_pal_bytes(home, "chat", *args, "hello")
    error = done.stderr.decode()
    assert done.returncode in (1, 2)
    assert says in error
    assert len(error.splitlines()) == 2  # what happened, and what to do


def test_files_go_with_a_prompt_into_the_history_and_out_of_it(home: Environ, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes("Kaufe Gemüse".encode("utf-16"))
    (tmp_path / "report.pdf").write_bytes(pdf("Zanzibar.", "Page two."))
    (tmp_path / "chart.png").write_bytes(png(30, 20))
    files = [str(tmp_path / name) for name in ("notes.txt", "report.pdf", "chart.png")]
    done = ai_pal_bytes(home, "chat", *[word for file in files for word in ("-a", file)], "What is this?")
    assert done.returncode == 0, done.stderr
    assert all(
        words in done.stdout.decode()
        for words in ("Kaufe Gemüse", "Zanzibar. Page two. </document>", "What is this?")
    )
    shown = ai_pal_bytes(home, "history", "show").stdout.decode()
    assert "*attached: report.pdf (PDF, 2 pages, 20 characters)*" in shown
    assert "*attached: chart.png (PNG image, 30 x 20, 1 kB)*" in shown
    again = ai_pal_bytes(home, "chat", "--continue", "--json", "And?")
    assert json.loads(again.stdout)["usage"]["prompt_tokens"] > 15  # the files are asked about again
    database = Path(home["AI_PAL_HOME"]) / "ai-pal.db"
    assert b"Zanzibar" in database.read_bytes() + Path(f"{database}-wal").read_bytes()
    assert ai_pal_bytes(home, "history", "delete", "1", "--yes").returncode == 0
    left = b"".join(file.read_bytes() for file in database.parent.glob("ai-pal.db*"))
    assert b"Zanzibar" not in left
    assert b"IHDR" not in left


def test_standard_input_can_be_a_file(home: Environ) -> None:
    done = ai_pal_bytes(home, "chat", "-a", "-", "what?", stdin=b"a diff")
    assert done.stdout == b'<document name="standard input"> a diff </document> what? \n'


def test_thoughts_are_seen_while_they_come_and_fold(home: Environ) -> None:
    args = ["chat", "--think", "high", "--option", "pace=0.3"]
    with Terminal(args, home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("hello")
        terminal.wait_for("\nI think about")
        terminal.wait_for(FOLDED)
        terminal.wait_for(r"echo · this machine · \d+ tokens")
        terminal.wait_for_prompt()
        assert "I think" not in terminal.text
        assert b"\x1b[2mI think" in terminal.raw
        terminal.enter("/think")
        terminal.wait_for("\nI think about hello")
        terminal.enter("/think hide")
        terminal.wait_for("thoughts are hidden")
        terminal.enter("again and again and again and again")  # long enough to be seen on a busy machine
        terminal.wait_for("thinking  \\d+ tokens")
        terminal.wait_for(FOLDED, count=2)
        terminal.wait_for(r"echo · this machine · \d+ tokens", count=2)
        assert "think about again" not in terminal.text


def test_a_stop_inside_the_thoughts_leaves_the_terminal_in_order(home: Environ) -> None:
    with Terminal(["chat", "--think", "high", "--option", "pace=1"], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("hello")
        terminal.wait_for("\nI think")
        terminal.send("\x03")
        terminal.wait_for(r"stopped")
        terminal.wait_for_prompt()
        assert "I think" not in terminal.text


def test_a_conversation_attaches_files_to_its_next_prompt(home: Environ, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk. ")
    with Terminal(["chat"], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter(f"/attach {tmp_path}/notes.txt")
        terminal.wait_for(r"attached notes.txt \(text, 10 characters\)")
        terminal.wait_for(r"\(1 attached\) >")
        terminal.enter("hello")
        terminal.wait_for("Buy milk. </document> hello")
        terminal.wait_for_prompt()
        terminal.enter("/retry")
        terminal.wait_for("Buy milk. </document> hello", count=2)
        terminal.wait_for_prompt()
        terminal.enter("again")
        terminal.wait_for("\nagain")
