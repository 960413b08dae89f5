"""A node that a command tells of: a line that was cut without a word is given up, and made anew."""

from pathlib import Path

import pytest

from ai_pal.cluster import command_engine, facts
from ai_pal.cluster.command_engine import CommandEngine
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
