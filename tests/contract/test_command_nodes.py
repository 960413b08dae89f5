"""A node that a command tells of: a line that was cut without a word is given up, and made anew; files that
were told in a line that cannot be read are told again, however many they are; a ticket that nobody reads
holds up nobody; why a command has ended is what it said last."""

import threading
from pathlib import Path
from typing import IO

import msgspec
import pytest

from ai_pal import __version__
from ai_pal.catalog.weights.identity import MOST_FILES
from ai_pal.cluster import agent, command_engine, facts
from ai_pal.cluster.command_engine import CommandEngine
from ai_pal.protocol.cluster import Node, Ticket
from tests.cluster_nodes import LoopbackNode
from tests.contract.test_cluster_engines import Heard
from tests.process.eventually import eventually


def test_a_node_whose_line_was_cut_for_good_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_engine, "GIVE_UP_SECONDS", 3.0)
    node = LoopbackNode(tmp_path, "a")
    engine = CommandEngine({"a": node.command}, Heard())

    def answers() -> bool:
        return not engine.nodes()[0].silent

    try:
        eventually(answers)
        cut = eventually(node.stand_still)
        eventually(lambda: engine.nodes() and not any(process.is_running() for process in cut))
        eventually(lambda: node.processes(facts.__name__) and answers())
    finally:
        engine.close()
        eventually(lambda: not node.processes())


GARBLED = """#!/bin/sh
test -e {mark} && echo 'ai-pal-node {{"name":"a","files":["m:1"],"version":"1"}}' || {before}
touch {mark}
echo 'ai-pal-node {{"name":"a","same_files":true,"version":"1"}}'
exec cat
"""
HALF = "echo 'ai-pal-node {\"na'"
NEWS = f"""{{ echo 'ai-pal-node {{"name":"a","files":["m:0"],"version":"1"}}'; {HALF}; }}"""
LONG = """#!/bin/sh
cat {line}
exec cat
"""


def files_are_told(program: Path, text: str, files: frozenset[str]) -> None:
    program.write_text(text)
    program.chmod(0o755)
    engine = CommandEngine({"a": str(program)}, Heard())
    try:
        eventually(lambda: engine.nodes()[0].files == files)
    finally:
        engine.close()


@pytest.mark.parametrize("before", [HALF, NEWS], ids=["the first", "news"])
def test_files_whose_line_was_garbled_are_told_again(
    tmp_path: Path, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("START_SECONDS", "GIVE_UP_SECONDS"):  # it says nothing more
        monkeypatch.setattr(command_engine, patience, float("inf"))
    text = GARBLED.format(mark=tmp_path / "mark", before=before)
    files_are_told(tmp_path / "program", text, frozenset({"m:1"}))


def test_as_many_files_as_are_counted_fit_in_a_line(tmp_path: Path) -> None:
    files = frozenset(f"models--org--{'x' * 150}/{number}:1" for number in range(MOST_FILES))
    line = tmp_path / "line"
    told = msgspec.json.encode(Node("a", files=files, version=__version__))
    line.write_bytes(facts.MARK.encode() + told + b"\n")
    files_are_told(tmp_path / "program", LONG.format(line=line), files)


def test_why_a_command_has_ended_is_what_it_said_last_also_where_that_is_read_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = command_engine._Program._hear

    def late(program: command_engine._Program, pipe: IO[bytes]) -> None:
        started = program._popen
        assert started is not None
        eventually(lambda: started.returncode is not None)  # its end is known already
        hear(program, pipe)

    monkeypatch.setattr(command_engine._Program, "_hear", late)
    monkeypatch.setattr(command_engine, "WORDS_SECONDS", 60.0)
    program = command_engine._Program(["sh", "-c", "echo no such host >&2; exit 255"])
    program.begin(b"")
    assert list(program.lines()) == []
    assert program.ended().endswith("ended with 255: no such host")


def test_who_does_not_read_its_ticket_can_be_stopped(tmp_path: Path) -> None:
    begun, heard = tmp_path / agent.__name__, Heard()  # the node's facts are another module
    engine = CommandEngine({"a": f"sh -c 'touch {tmp_path}/$2; exec sleep 60'"}, heard)
    try:
        engine.start(Ticket("w", "a", "", "", args=("x" * 1_000_000,)))  # more than a pipe holds
        eventually(begun.exists)
        threading.Thread(target=engine.stop, args=("w",), daemon=True).start()
        eventually(lambda: "w" in heard.ends, within=20)
    finally:
        closing = threading.Thread(target=engine.close, daemon=True)
        closing.start()
        closing.join(20)
