"""A conversation in a real terminal, against a real supervisor and the echo engine."""

import os
import re
import signal
import stat
from pathlib import Path

import pytest

from ai_pal.client import Client
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint
from tests.process.screen import Terminal

SLOW = ["--option", "tokens=100000", "--option", "pace=0.02"]
FIGURES = r"echo · this machine · \d+ tokens?"
STOPPED = FIGURES + r".* · stopped"
CTRL_C, CTRL_D, CTRL_J, UP = "\x03", "\x04", "\n", "\x1b[A"
CLIPBOARD = "\x1b]52;c;aGk=\x07"


def conversation(environ: Environ, *args: str) -> Terminal:
    terminal = Terminal(["chat", *args], environ)
    terminal.wait_for_prompt()
    return terminal


def saved(terminal: Terminal, environ: Environ) -> str:
    """The conversation, as /save writes it."""
    file = Path(environ["HOME"]) / "talk.md"
    terminal.enter(f"/save {file}")
    terminal.wait_for("saved ")
    return file.read_text()


def pasted(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


def test_a_conversation_answers_tells_the_figures_and_ends_with_ctrl_d(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.enter("hello **bold** world")
        terminal.wait_for(FIGURES)
        assert "\nhello bold world\n" in terminal.text
        terminal.wait_for_prompt()
        terminal.send(CTRL_D)
        assert terminal.exit_code() == 0


def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(home: Environ) -> None:
    with conversation(home, *SLOW) as terminal:
        terminal.enter("one two")
        terminal.wait_for("\none two one two")
        terminal.send(CTRL_C)
        terminal.wait_for(STOPPED)
        terminal.wait_for_prompt()
        assert "*(interrupted)*" in saved(terminal, home)
        terminal.enter("three four")
        terminal.wait_for("\nthree four three four")
        terminal.send(CTRL_C)
        terminal.wait_for(STOPPED, count=2)
    with Client(client_endpoint(home)) as client:
        eventually(lambda: [worker.active for worker in client.status().workers] == [0])


def test_a_second_ctrl_c_leaves(home: Environ) -> None:
    with conversation(home, *SLOW) as terminal:
        terminal.enter("one two")
        terminal.wait_for("\none two one two")
        terminal.send(CTRL_C)
        terminal.wait_for_prompt()
        terminal.send(CTRL_C)
        assert terminal.exit_code() == 130


def test_ctrl_c_at_the_prompt_clears_the_line_then_warns_then_leaves(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.send("nonsense")
        terminal.wait_for("> nonsense")
        terminal.send(CTRL_C)
        terminal.wait_for_prompt()
        assert "nonsense" not in terminal.text
        terminal.send(CTRL_C)
        terminal.wait_for("Ctrl-C again or Ctrl-D leaves")
        terminal.wait_for_prompt()
        terminal.send(CTRL_C)
        assert terminal.exit_code() == 130


def test_a_conversation_with_a_model_that_nobody_knows_does_not_begin(home: Environ) -> None:
    with Terminal(["chat", "-m", "ecko"], home) as terminal:
        assert terminal.exit_code() == 3
    assert "did you mean echo?" in terminal.text


def test_a_paste_of_several_lines_is_one_prompt(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.send(pasted("line one\nline two"))
        terminal.wait_for("… line two")
        terminal.send("\r")
        terminal.wait_for(FIGURES)
        assert "**You**\n\nline one\nline two\n" in saved(terminal, home)


def test_lines_are_added_with_ctrl_j_and_in_a_quoted_block(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.send(f"one{CTRL_J}two\r")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        terminal.send('"""\rthree\r\rfour\r"""\r')
        terminal.wait_for(FIGURES, count=2)
        text = saved(terminal, home)
    assert "**You**\n\none\ntwo\n" in text
    assert "**You**\n\nthree\n\nfour\n" in text


def test_the_input_history_outlives_the_run_and_is_private(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.enter("remember me")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        terminal.send(CTRL_D)
        terminal.exit_code()
    history = Path(home["AI_PAL_HOME"]) / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    with conversation(home) as terminal:
        terminal.send(UP)
        terminal.wait_for("> remember me")


def test_commands_are_completed_run_and_corrected(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.enter("/hlep")
        terminal.wait_for("did you mean /help")
        terminal.send("/sta\t")
        terminal.wait_for("> /stats")
        terminal.send("\r")
        terminal.wait_for("no answers yet")
        terminal.enter("/model echo?id=2")
        terminal.wait_for(r"model: echo\?id=2")
        terminal.wait_for_prompt()
        terminal.enter("hello")
        terminal.wait_for(r"echo\?id=2 · this machine")
        terminal.enter("/exit")
        assert terminal.exit_code() == 0


def test_retry_asks_again_and_undo_forgets(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.enter("first")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        terminal.enter("/retry")
        terminal.wait_for(FIGURES, count=2)
        terminal.wait_for_prompt()
        terminal.enter("/undo")
        terminal.wait_for("taken back: first")
        assert saved(terminal, home) == "\n"


def test_edit_opens_the_editor_on_the_last_prompt(home: Environ) -> None:
    editor = Path(home["HOME"]) / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/before/after/ "$1"\n')
    editor.chmod(0o700)
    with conversation(home | {"EDITOR": str(editor)}) as terminal:
        terminal.enter("before")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        terminal.enter("/edit")
        terminal.wait_for(FIGURES, count=2)
        assert "\nafter\n" in terminal.text


def test_ctrl_z_at_the_prompt_suspends_and_fg_goes_on(home: Environ) -> None:
    with Terminal(["chat", "--temperature", "0"], home, as_job=True) as terminal:
        terminal.wait_for_prompt()
        terminal.send("half a")
        terminal.wait_for("> half a")
        terminal.send("\x1a")
        terminal.wait_for(r"Stopped")
        terminal.enter("fg")
        terminal.wait_for(r"> half a\Z")
        terminal.enter(" question")
        terminal.wait_for(FIGURES)
        assert "\nhalf a question\n" in terminal.text


def test_copy_asks_the_terminal(home: Environ) -> None:
    with conversation(home | {"SSH_CONNECTION": "x"}) as terminal:
        terminal.enter("hi")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        terminal.enter("/copy")
        terminal.wait_for("copied 3 characters through the terminal")
        assert b"\x1b]52;c;aGkg\x07" in terminal.raw


@pytest.mark.parametrize("args", [[], ["--no-markdown"]])
def test_control_sequences_of_the_model_never_reach_the_terminal(home: Environ, args: list[str]) -> None:
    hostile = f"a{CLIPBOARD} \x1b[2J\x1b]0;title\x07 \x9b31m \u202etxet b"
    with Terminal(["chat", *args, hostile], home) as terminal:
        assert terminal.exit_code() == 0
    assert b"\x1b]" not in terminal.raw
    assert b"\x1b[2J" not in terminal.raw
    assert b"\x07" not in terminal.raw
    assert not {"\x9b", "\u202e"} & set(terminal.raw.decode())
    assert "a\u241b]52;c;aGk=\u2407" in terminal.text


def test_a_pasted_control_sequence_comes_back_harmless(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.send(pasted(f"a{CLIPBOARD}b"))
        terminal.send("\r")
        terminal.wait_for(FIGURES)
        assert b"\x1b]52" not in terminal.raw


def colours(raw: bytes) -> set[int]:
    codes = {
        int(code) for found in re.findall(rb"\x1b\[([0-9;]*)m", raw) for code in found.split(b";") if code
    }
    return {code for code in codes if code >= 30}


def test_no_color_means_no_colour(home: Environ) -> None:
    prompt = "`code` # [x](http://y)"
    with Terminal(["chat", prompt], home) as terminal:
        assert terminal.exit_code() == 0
    assert colours(terminal.raw)
    with Terminal(["chat", prompt], home | {"NO_COLOR": "1"}) as terminal:
        assert terminal.exit_code() == 0
    assert not colours(terminal.raw)


def test_a_dumb_terminal_gets_plain_text(home: Environ) -> None:
    with Terminal(["chat", "**hello**"], home | {"TERM": "dumb"}) as terminal:
        assert terminal.exit_code() == 0
    assert b"\x1b" not in terminal.raw
    assert "**hello**" in terminal.text


def test_the_load_is_shown_and_vanishes(home: Environ) -> None:
    with Terminal(["chat", "-m", "echo?load_seconds=1", "hello"], home) as terminal:
        terminal.wait_for("% +loading")
        assert terminal.exit_code() == 0
    assert "loading" not in terminal.text
    assert terminal.text.startswith("hello\necho")


def test_how_far_a_long_prompt_is_read_is_shown_after_the_load_and_vanishes(home: Environ) -> None:
    slow = ["-m", "echo?load_seconds=1", "--option", "prefill_seconds=4"]
    with Terminal(["chat", *slow, "a b c d e f g h i j"], home) as terminal:
        terminal.wait_for("% +loading")
        terminal.wait_for(r"[3-9]0% +reading the prompt")
        assert terminal.exit_code() == 0
    assert "reading the prompt" not in terminal.text
    assert terminal.text.startswith("a b c d e f g h i j\necho")


def test_how_far_a_long_prompt_is_read_is_shown_in_a_conversation(home: Environ) -> None:
    with conversation(home, "--option", "prefill_seconds=4") as terminal:
        terminal.enter("a b c d e f g h i j")
        terminal.wait_for(r"[3-9]0% +reading the prompt")
        terminal.wait_for(FIGURES)
        assert "reading the prompt" not in terminal.text


def test_a_narrower_window_in_mid_answer_leaves_no_debris(home: Environ) -> None:
    words = " ".join(f"w{n}" for n in range(40))
    slow = ["--option", "tokens=80", "--option", "pace=0.02"]
    with Terminal(["chat", *slow, words], home, columns=70) as terminal:
        terminal.wait_for("w20")
        terminal.resize(40, 30)
        assert terminal.exit_code() == 0
    shown = " ".join(terminal.text.split("echo ·")[0].split())
    assert shown == f"{words} {words}"


def test_an_answer_longer_than_the_screen_is_printed_once_and_whole(home: Environ) -> None:
    words = " ".join(f"w{n}" for n in range(300))
    with Terminal(["chat", "--option", "pace=0.002", words], home, columns=40, rows=10) as terminal:
        assert terminal.exit_code() == 0
    assert " ".join(terminal.text.split("echo ·")[0].split()) == words


def test_a_supervisor_that_died_between_two_prompts_is_replaced(home: Environ) -> None:
    with conversation(home) as terminal:
        terminal.enter("one")
        terminal.wait_for(FIGURES)
        terminal.wait_for_prompt()
        with Client(client_endpoint(home)) as client:
            os.kill(client.welcome.pid, signal.SIGKILL)
            assert client.wait_gone(60)
        terminal.enter("two")
        terminal.wait_for(FIGURES, count=2)


def test_a_worker_that_dies_in_mid_answer_keeps_the_text_and_the_conversation(home: Environ) -> None:
    fault = ["--option", "exit_at=2", "--option", "pace=0.05"]
    with conversation(home, *fault) as terminal:
        terminal.enter("one two three four")
        terminal.wait_for("worker_died")
        terminal.wait_for(FIGURES + ".* · interrupted")
        terminal.wait_for_prompt()
        text = saved(terminal, home)
    assert "one two \n\n*(interrupted)*" in text


def test_another_model_answers_until_the_wanted_one_is_ready(home: Environ) -> None:
    with Terminal(["chat", "--no-wait", "-m", "echo?load_seconds=8"], home, columns=120) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("first question")
        terminal.wait_for(r"echo answers until echo\?load_seconds=8 is here")
        terminal.wait_for(r"echo · this machine · .* · echo\?load_seconds=8:")
        answers = 1
        while "is ready and answers from now on" not in terminal.text:
            terminal.wait_for_prompt()
            terminal.enter("next question")
            answers += 1
            terminal.wait_for(r"· this machine · \d+ tokens?", count=answers)
        terminal.wait_for(r"echo\?load_seconds=8 · this machine")
        note = r"\(The answer above is by echo, which stood in for you.\)"
        terminal.wait_for(note + r"\s+next question")  # echo says what it was told
        terminal.enter("last question")
        terminal.wait_for("last question", count=2)
        assert len(re.findall(note, terminal.text)) == 1
        text = saved(terminal, home)
    assert "**echo** *(in place of echo?load_seconds=8)*\n\nfirst question" in text
    assert text.endswith("**echo?load_seconds=8**\n\nlast question \n")
    assert "stood in for you" not in text.partition("first question")[0]


def test_a_model_on_this_disk_is_waited_for_and_its_load_shown(home: Environ) -> None:
    with Terminal(["chat", "-m", "echo?load_seconds=2"], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("first question")
        terminal.wait_for("% +loading")
        terminal.wait_for(r"echo\?load_seconds=2 · this machine")
        assert "answers until" not in terminal.text


def test_with_wait_the_wanted_model_answers(home: Environ) -> None:
    with Terminal(["chat", "--wait", "-m", "echo?load_seconds=2"], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("first question")
        terminal.wait_for(r"echo\?load_seconds=2 · this machine")
        assert "answers until" not in terminal.text
