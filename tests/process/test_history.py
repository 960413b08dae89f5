"""Conversations are kept, gone on with, found and deleted: the real commands, the echo engine."""

import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.conversations.records import Message
from ai_pal.conversations.store import Conversations
from tests.process.command import ai_pal
from tests.process.homes import Environ, client_endpoint, stop_supervisor
from tests.process.screen import Terminal

SECONDS = 120
SECRET = "zanzibar"


def told(environ: Environ, *args: str) -> str:
    done = ai_pal(environ, *args)
    assert (done.returncode, done.stderr) == (0, ""), done
    return str(done.stdout)


def on_disk(environ: Environ) -> bytes:
    home = Path(environ["HOME"])
    return b"".join(path.read_bytes() for path in home.glob("ai-pal.db*")) + _typed(home)


def _typed(home: Path) -> bytes:
    file = home / "history"
    return file.read_bytes() if file.exists() else b""


def kept(environ: Environ) -> list[list[str]]:
    export = json.loads(told(environ, "history", "export", "--all", "--format", "json"))
    return [[message["content"] for message in one["messages"]] for one in export]


def test_a_question_is_kept_and_gone_on_with(home: Environ) -> None:
    told(home, "chat", "one two")
    assert ai_pal(home, "chat", "--continue", "and why?").stdout.startswith("and why?")
    assert kept(home) == [["one two", "one two ", "and why?", "and why? "]]
    (head,) = json.loads(told(home, "history", "list", "--json"))
    assert (head["id"], head["title"], head["messages"]) == (1, "one two", 4)
    (message,) = json.loads(told(home, "history", "show", "--json"))["messages"][1:2]
    assert (message["tier"], message["model"], message["remote"]) == (1, "echo", False)
    assert stat.S_IMODE((Path(home["HOME"]) / "ai-pal.db").stat().st_mode) == 0o600


def test_what_a_killed_supervisor_has_said_is_kept(home: Environ) -> None:
    command = [
        sys.executable,
        "-m",
        "ai_pal",
        "chat",
        "one two",
        "--option",
        "tokens=100000",
        "--option",
        "pace=0.05",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=home, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stdout.read(8) == b"one two "
        with Client(client_endpoint(home)) as client:
            os.kill(client.welcome.pid, signal.SIGKILL)
        said, why = process.communicate(timeout=SECONDS)
    assert (process.returncode, b"supervisor_lost" in why) == (4, True)
    ((asked, answer),) = kept(home)
    assert (asked, answer) == ("one two", f"one two {said.decode()}".rstrip("\n"))


def test_a_list_that_is_cut_says_so_to_people(home: Environ) -> None:
    with closing(Conversations(Path(home["HOME"]) / "ai-pal.db")) as store:
        for number in range(3):
            asked = Message(role="user", content=f"trains to {number}", at=number)
            store.begin(asked.content, [asked], now=number)
    for action in (["list"], ["search", "trains"]):
        cut = ai_pal(home, "history", *action, "--limit", "2")
        assert ("trains to 1" in cut.stdout, "trains to 0" in cut.stdout) == (True, False)
        assert cut.stderr == f"there are more: ai-pal history {action[0]} --limit 0 shows all\n"
        assert len(json.loads(told(home, "history", *action, "--limit", "2", "--json"))) == 2
        assert told(home, "history", *action, "--limit", "3") == told(
            home, "history", *action, "--limit", "0"
        )


def test_history_lists_finds_shows_and_exports(home: Environ) -> None:
    told(home, "chat", "trains to Lyon")
    told(home, "chat", "\x1b]52;c;aGk=\x07 in Paris")
    assert "trains to Lyon" in told(home, "history", "list")
    assert "\x1b" not in told(home, "history", "list") + told(home, "history", "show", "2")
    assert "you: trains to **Lyon**" in told(home, "history", "search", "lyon")
    assert "echo" in told(home, "history")
    assert told(home, "history", "tag", "1", "#Travel", "france") == "1: france, travel\n"
    listed = told(home, "history", "list", "--tag", "travel")
    assert ("france, travel" in listed, "Paris" in listed) == (True, False)
    assert ai_pal(home, "history", "search", "in", "--tag", "travel").returncode == 1
    assert told(home, "history", "untag", "1", "travel") == "1: france\n"
    absent = ai_pal(home, "history", "untag", "1", "travel")
    assert (absent.returncode, absent.stderr) == (1, "1 has no tag travel; it has france\n")
    missing = ai_pal(home, "history", "list", "--tag", "travel")
    assert (missing.returncode, missing.stderr) == (1, "no conversation has the tag travel; tags: france\n")
    none = ai_pal(home, "history", "search", "lyon", "paris")
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "no message holds: lyon paris\n")
    nowhere = ai_pal(home, "history", "export", "1", "--output", "/nonexistent/x")
    assert nowhere.returncode == 1
    assert "/nonexistent/x cannot be written: No such file or directory" in nowhere.stderr
    file = Path(home["HOME"]) / "talk.md"
    told(home, "history", "export", "1", "--output", str(file))
    assert file.read_text().startswith("# trains to Lyon\n\n**You**\n\ntrains to Lyon")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = ai_pal(home, "history", "export", "1", "--output", str(file))
    assert (again.returncode, "exists" in again.stderr) == (2, True)
    unknown = ai_pal(home, "history", "show", "7")
    assert (unknown.returncode, "conversation_not_found" in unknown.stderr) == (3, True)


def test_what_is_deleted_is_gone_from_the_disk(home: Environ) -> None:
    told(home, "chat", "stays")
    told(home, "chat", f"{SECRET} {SECRET}")
    assert SECRET.encode() in on_disk(home)
    told(home, "history", "delete", "2", "--yes")
    assert SECRET.encode() not in on_disk(home)
    assert len(kept(home)) == 1
    assert ai_pal(home, "history", "delete", "--all").returncode == 2  # nobody to ask
    told(home, "history", "delete", "--all", "--yes")
    assert kept(home) == []
    assert b"stays" not in on_disk(home)


def test_deleting_all_asks_and_enter_is_no(home: Environ) -> None:
    told(home, "chat", "stays")
    with Terminal(["history", "delete", "--all"], home) as terminal:
        terminal.wait_for("delete all of 1 conversation")
        terminal.enter("")
        assert terminal.exit_code() == 1
    assert len(kept(home)) == 1


def test_nothing_is_kept_where_that_is_wanted(home: Environ) -> None:
    told(home, "chat", "--no-history", SECRET)
    told(home | {"AI_PAL_HISTORY": "false"}, "chat", SECRET)
    with Terminal(["chat", "--no-history"], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter(SECRET)
        terminal.wait_for("this machine")
        terminal.wait_for_prompt()
        terminal.send("\x04")
        assert terminal.exit_code() == 0
    assert SECRET.encode() not in on_disk(home)


def test_a_conversation_is_taken_up_in_a_terminal_and_forgotten(home: Environ) -> None:
    told(home, "chat", f"{SECRET} one")
    with Terminal(["chat", "--continue"], home) as terminal:
        terminal.wait_for(f"goes on with 1: {SECRET} one")
        terminal.wait_for_prompt()
        terminal.enter(f"{SECRET} two")
        terminal.wait_for("this machine")
        terminal.wait_for_prompt()
        assert len(kept(home)[0]) == 4
        terminal.enter("/undo")
        terminal.wait_for("taken back")
        terminal.wait_for_prompt()
        assert len(kept(home)[0]) == 2
        terminal.enter(f"/system {SECRET} three")
        terminal.wait_for("system prompt: ")
        terminal.wait_for_prompt()
        terminal.enter("/forget")
        terminal.wait_for("deleted from the history")
        terminal.wait_for_prompt()
        terminal.enter("/model openai:nonsense")
        terminal.wait_for("it cannot be asked yet: there is no key")
        terminal.wait_for_prompt()
        terminal.enter("five to nobody")
        terminal.wait_for("no_key")
        terminal.send("\x04")
        assert terminal.exit_code() == 0
    assert kept(home) == []
    assert SECRET.encode() not in on_disk(home)
    assert b"nobody" not in on_disk(home)


def test_a_local_only_conversation_goes_on_local_only(home: Environ) -> None:
    told(home, "chat", "--local-only", "one")
    ai_pal(home, "chat", "--continue", "two")
    told(home, "chat", "another")
    ai_pal(home, "chat", "--goal", "privacy", "--continue", "more")
    assert [head["local_only"] for head in json.loads(told(home, "history", "list", "--json"))] == [
        True,
        True,
    ]
    stop_supervisor(home)
    with closing(sqlite3.connect(Path(home["HOME"]) / "ai-pal.db")) as database:
        asked = database.execute("SELECT local_only FROM attempts ORDER BY id").fetchall()
    assert asked == [(1,), (1,), (0,), (1,)]


def test_a_damaged_database_is_one_warning_and_the_answer_comes(home: Environ) -> None:
    (Path(home["HOME"]) / "ai-pal.db").write_bytes(b"damaged" * 1000)
    done = ai_pal(home, "chat", "hello")
    assert (done.returncode, done.stdout) == (0, "hello \n")
    assert done.stderr.startswith("this conversation is not kept: ")
    assert len(done.stderr.splitlines()) == 1
    shown = ai_pal(home, "history", "list")
    assert (shown.returncode, "store_damaged" in shown.stderr) == (1, True)


def test_a_full_disk_is_one_warning_and_harms_nothing(home: Environ) -> None:
    told(home, "chat", "before")
    size = max(path.stat().st_size for path in Path(home["HOME"]).glob("ai-pal.db*"))

    def no_growth() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = ai_pal(home, "chat", "hello " * (size // 6), before=no_growth)
    assert (done.returncode, done.stderr.count("this conversation is not kept")) == (0, 1), done.stderr
    assert kept(home) == [["before", "before "]]
    with closing(sqlite3.connect(Path(home["HOME"]) / "ai-pal.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def fill_up(file: Path) -> None:
    """Until nothing more fits on its disk."""
    with suppress(OSError), file.open("wb", buffering=0) as fill:
        while True:
            fill.write(bytes(512))


def test_what_is_to_go_goes_on_a_full_disk_too(home: Environ) -> None:
    # A short path: with a long one the sockets lie in /tmp, where a supervisor finds room and starts.
    disk = Path(tempfile.mkdtemp(prefix="full", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, timeout=SECONDS).returncode:
        disk.rmdir()
        pytest.skip("mounting a tmpfs needs root")
    cramped = home | {"AI_PAL_HOME": str(disk / "h"), "HOME": str(disk / "h")}
    try:
        for word in ("canaryone", "canarytwo", "canarythree"):
            assert ai_pal(cramped, "chat", f"{word} " + "blah " * 300).returncode == 0
        ai_pal(cramped, "stop", "--wait")
        fill_up(disk / "fill")
        deleted = ai_pal(cramped, "history", "delete", "2", "--yes")
        assert (deleted.returncode, deleted.stderr) == (0, "")
        assert ai_pal(cramped, "history", "list").returncode == 0
        data = (disk / "h" / "ai-pal.db").read_bytes()
        assert b"canarytwo" not in data
        assert b"canaryone" in data
        assert ai_pal(cramped, "history", "delete", "--all", "--yes").returncode == 0
        assert b"canaryone" not in (disk / "h" / "ai-pal.db").read_bytes()
        for line in ("preset set p --temperature 1", "load echo", "supervise"):
            fill_up(disk / "more")
            refused = ai_pal(cramped, *line.split())
            assert (refused.returncode, refused.stderr.count("[disk_full]")) == (1, 1), (line, refused.stderr)
            assert [one.partition(": ")[0] for one in refused.stderr.splitlines()] == ["error", "hint"], line
            assert "ai-pal rm MODEL" in refused.stderr, line
        for name in ("fill", "more"):
            (disk / name).unlink()
        assert ai_pal(cramped, "chat", "and again").returncode == 0
        assert ai_pal(cramped, "history", "show").returncode == 0
    finally:
        stop_supervisor(cramped)
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=SECONDS)
        disk.rmdir()
