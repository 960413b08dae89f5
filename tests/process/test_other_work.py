"""`ai-pal embed`, `rerank`, `count` and `generate`, against a real supervisor and the echo engine."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from tests.process.command import ai_pal_bytes
from tests.process.homes import Environ
from tests.process.screen import Terminal

ECHO = ["-m", "echo"]
TEXTS = ["the sky is blue", "grass is green", "blue sky"]


def test_vectors_come_as_lines_as_an_object_and_as_an_array(home: Environ, tmp_path: Path) -> None:
    lines = ai_pal_bytes(home, "embed", *ECHO, stdin="\n".join(TEXTS).encode()).stdout.splitlines()
    vectors = [json.loads(line) for line in lines]
    assert len(vectors) == len(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    found = json.loads(ai_pal_bytes(home, "embed", *ECHO, "--json", *TEXTS).stdout)
    assert found["vectors"] == vectors
    assert (found["model"], found["dimensions"]) == ("echo", len(vectors[0]))
    array = np.load(io.BytesIO(ai_pal_bytes(home, "embed", *ECHO, "--npy", "-", *TEXTS).stdout))
    assert array == pytest.approx(np.array(vectors), abs=1e-6)
    assert ai_pal_bytes(home, "embed", *ECHO, "--npy", str(tmp_path / "a.npy"), *TEXTS).returncode == 0
    assert (np.load(tmp_path / "a.npy") == array).all()


def test_more_texts_than_go_at_once_stay_in_their_order(home: Environ) -> None:
    texts = [f"text {number}" for number in range(1200)]
    all_of_them = ai_pal_bytes(home, "embed", *ECHO, "--npy", "-", stdin="\n".join(texts).encode())
    array = np.load(io.BytesIO(all_of_them.stdout))
    one = np.load(io.BytesIO(ai_pal_bytes(home, "embed", *ECHO, "--npy", "-", texts[1111]).stdout))
    assert array.shape[0] == 1200
    assert (array[1111] == one[0]).all()


def test_texts_are_ordered_by_a_query(home: Environ) -> None:
    done = ai_pal_bytes(home, "rerank", *ECHO, "blue sky", *TEXTS)
    assert [line.split(b"\t")[1] for line in done.stdout.splitlines()][-1] == b"grass is green"
    found = json.loads(
        ai_pal_bytes(home, "rerank", *ECHO, "--json", "--top", "1", "green grass", *TEXTS).stdout
    )
    assert [(one["index"], one["text"]) for one in found["results"]] == [(1, "grass is green")]


@pytest.mark.parametrize(
    ("args", "kind"), [(["embed"], "an embedding model"), (["rerank", "blue sky"], "a reranking model")]
)
def test_who_chats_by_default_is_not_asked_for_vectors_or_scores(
    home: Environ, args: list[str], kind: str
) -> None:
    assert home["AI_PAL_MODEL"] == "echo"
    done = ai_pal_bytes(home, *args, *TEXTS)
    assert (done.returncode, done.stdout) == (3, b"")
    assert f"this needs {kind}" in done.stderr.decode()


def test_a_count_is_what_a_chat_reports(home: Environ, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy some milk")
    args = ["-s", "Be brief.", "-a", str(tmp_path / "notes.txt"), "what is to do?"]
    counted = ai_pal_bytes(home, "count", *args)
    asked = json.loads(ai_pal_bytes(home, "chat", "--json", *args).stdout)
    assert counted.stdout == b"%d\n" % asked["usage"]["prompt_tokens"]
    assert json.loads(ai_pal_bytes(home, "count", "--json", *args).stdout)["tokens"] == int(counted.stdout)
    assert ai_pal_bytes(home, "count", stdin=b"one two three").stdout == b"3\n"
    assert ai_pal_bytes(home, "count", "-f", str(tmp_path / "notes.txt")).stdout == b"3\n"
    assert ai_pal_bytes(home, "count").returncode == 2


def test_a_text_is_gone_on_with_and_a_middle_is_filled(home: Environ) -> None:
    done = ai_pal_bytes(home, "generate", "--max-tokens", "3", "Once upon a time")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip()
    found = json.loads(ai_pal_bytes(home, "generate", "--json", "--suffix", "end", stdin=b"begin\n ").stdout)
    assert (found["finish_reason"], found["thinking"]) == ("stop", "")
    assert found["text"]
    assert ai_pal_bytes(home, "generate").returncode == 2
    assert ai_pal_bytes(home, "history", "list").stdout == b"no conversation is kept yet\n"


def test_a_terminal_gets_tables(home: Environ) -> None:
    with Terminal(["embed", *ECHO, *TEXTS], home) as terminal:
        assert terminal.exit_code() == 0
    assert "8 DIMENSIONS" in terminal.text
    assert "the sky is blue" in terminal.text
    with Terminal(["rerank", *ECHO, "blue sky", *TEXTS], home) as terminal:
        assert terminal.exit_code() == 0
    assert "SCORE" in terminal.text


def test_it_says_how_far_it_is_and_ctrl_c_ends_it(home: Environ) -> None:
    with Terminal(["embed", "-m", "echo?load_seconds=60", *TEXTS], home) as terminal:
        terminal.wait_for("embedding  0 of 3|loading")  # the first word gives way to how far the load is
        terminal.send("\x03")
        assert terminal.exit_code() == 130
    assert "embedding" not in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["embed", "-m", "smolm2", "x"], 3, "did you mean smollm2?"),
        (["rerank", " ", "x"], 2, "the query is empty"),
        (["embed", "-f", "/bin/true"], 2, "is a program, which cannot be attached"),
        (["embed", "--json", "--npy", "x", "y"], 2, "not allowed with argument"),
        (["generate", "--logprobs", "1", "x"], 2, "add --json or --jsonl"),
        (["generate", "--think", "high", "x"], 2, "there is no option --think"),
        (["count", "-m", "openai:gpt-4", "x"], 3, "none of this machine"),
    ],
)
def test_what_cannot_be_done_is_said(home: Environ, args: list[str], code: int, says: str) -> None:
    done = ai_pal_bytes(home, *args)
    assert (done.returncode, done.stdout) == (code, b"")
    assert says in done.stderr.decode()
