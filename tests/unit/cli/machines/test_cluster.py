"""`ai-pal cluster` before any node is there, and what it shows of nodes."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.cli.machines import cluster
from ai_pal.config import paths
from ai_pal.protocol.client import NodeCard, NodeStatus, WorkerStatus


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file, not there yet."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    return paths.config_file()


@pytest.fixture
def head() -> Iterator[str]:
    """Something that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_cluster_is_written_whole(file: Path, head: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cluster", "up", "--ray", head]) == 0
    written = file.read_text()
    assert 'engine = "ray"' in written
    assert f'address = "{head}"' in written
    assert 'listen = "127.0.0.1:*"' in written
    assert "ai-pal cluster status" in capsys.readouterr().out
    assert run(["cluster", "up", "--ray", head, "--listen", "10.0.0.5:7700", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cluster.listen"] == "10.0.0.5:7700"


@pytest.mark.parametrize(
    ("given", "said", "code"),
    [
        (["--ray", "nonsense"], "--ray 'nonsense' is no HOST:PORT", 2),
        (["--ray", "10.0.0.1:99999"], "is no HOST:PORT", 2),
        (["--ray", "127.0.0.1:9"], "Ray's head at 127.0.0.1:9 cannot be reached", 1),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    file: Path, given: list[str], said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cluster", "up", *given]) == code
    assert said in capsys.readouterr().err
    assert not file.exists()


def test_an_address_to_listen_at_that_is_none_is_refused(
    file: Path, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cluster", "up", "--ray", head, "--listen", "nowhere"]) != 0
    assert "cluster.listen" in capsys.readouterr().err
    assert not file.exists()


def test_without_ray_it_says_how_it_is_installed(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(["cluster", "up", "--ray", "127.0.0.1:9"]) == 1
    assert "pip install 'ray" in capsys.readouterr().err


def test_without_a_cluster_or_a_supervisor_the_status_says_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cluster"]) == 0
    assert "there is no cluster in the settings: ai-pal cluster up" in capsys.readouterr().out
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[cluster]\nengine = "ray"\naddress = "127.0.0.1:9"\n')
    assert run(["cluster", "status"]) == 0
    assert "no supervisor is running" in capsys.readouterr().out
    assert run(["cluster", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"engine": "ray", "running": False, "nodes": []}


def test_a_table_tells_nodes_and_what_runs_there(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [NodeCard("cuda:0", 3_000_000_000, 24_000_000_000), NodeCard("cuda:1", 0, 24_000_000_000)]
    nodes = [
        NodeStatus("a", 2_000_000_000, 8_000_000_000, 4),
        NodeStatus("b", silent=True, cards=cards[:1]),
        NodeStatus("c", cards=cards),
        NodeStatus("d", other_version="0.0.9", drained=True),
    ]
    cluster._show(nodes, [WorkerStatus("qwen3", "ready", node="a")])
    head, first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert head.split() == ["NODE", "STATE", "MEMORY", "FREE", "CORES", "CARDS", "FREE", "MODELS"]
    assert first.split() == ["a", "answers", "2.0", "of", "8.0", "GB", "4", "-", "qwen3"]
    assert second.split()[:2] == ["b", "silent"]
    assert "3.0 of 24.0 GB" in second
    assert "2: 3.0 of 48.0 GB" in third
    assert fourth.split()[:3] == ["d", "version", "0.0.9"]


@pytest.mark.parametrize("action", ["up", "status"])
def test_the_help_of_an_action_has_examples(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["cluster", action, "--help"])
    assert f"examples:\n  ai-pal cluster {action}" in capsys.readouterr().out
