"""A node that a command tells of: a line that was cut without a word is given up, and made anew; files that
were told in a line that cannot be read are told again; a ticket that nobody reads holds up nobody."""

import threading
from pathlib import Path

import pytest

from ai_pal.cluster import command_engine, facts
from ai_pal.cluster.command_engine import CommandEngine
from ai_pal.protocol.cluster import Ticket
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
test -e {mark} && echo 'ai-pal-node {{"name":"a","files":["m:1"],"version":"1"}}' || echo 'ai-pal-node {{"na'
touch {mark}
echo 'ai-pal-node {{"name":"a","same_files":true,"version":"1"}}'
exec cat
"""


def test_files_whose_line_was_garbled_are_told_again(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(GARBLED.format(mark=tmp_path / "mark"))
    program.chmod(0o755)
    engine = CommandEngine({"a": str(program)}, Heard())
    try:
        eventually(lambda: engine.nodes()[0].files == {"m:1"})
    finally:
        engine.close()


def test_who_does_not_read_its_ticket_can_be_stopped(tmp_path: Path) -> None:
    begun, heard = tmp_path / "begun", Heard()
    engine = CommandEngine({"a": f"sh -c 'touch {begun}; exec sleep 60'"}, heard)
    try:
        engine.start(Ticket("w", "a", "", "", args=("x" * 1_000_000,)))  # more than a pipe holds
        eventually(begun.exists)
        threading.Thread(target=engine.stop, args=("w",), daemon=True).start()
        eventually(lambda: "w" in heard.ends, within=20)
    finally:
        closing = threading.Thread(target=engine.close, daemon=True)
        closing.start()
        closing.join(20)
