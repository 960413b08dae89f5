"""One model over several nodes, as a user of the supervisor has it: nodes that a command reaches on loopback,
made-up cards, and a stand-in for vLLM on each."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from tests.cluster_nodes import LoopbackNode
from tests.process.answers import PROMPT, end_of, text_of, until
from tests.process.eventually import eventually
from tests.process.loopback_nodes import left_empty, settings_of
from tests.process.supervised import Supervised, status_of, words_of
from tests.servers import vllm_stand_in

BIG = "big"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, LoopbackNode]]:
    path = f"{vllm_stand_in.FOLDER}:{os.environ['PATH']}"
    nodes = {
        name: LoopbackNode(tmp_path, name, f"GPU-{name}:24", MADE_UP_ENGINES="vllm", PATH=path)
        for name in "ab"
    }
    with left_empty(nodes.values()):
        yield nodes


@pytest.fixture
def cluster(
    nodes: dict[str, LoopbackNode], ai_pal_home: Path, tmp_path: Path, supervise: Callable[..., Supervised]
) -> Supervised:
    config = settings_of(nodes.values())
    config += f'[models.{BIG}]\npath = "{folder_of_a_model(tmp_path / "big")}"\nnodes = 2\n'
    file = ai_pal_home / "config.toml"
    file.write_text(config)
    return supervise(config=file)


def folder_of_a_model(folder: Path) -> Path:
    """One that says what it is, with one number."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    header = b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return folder


def stand_ins(node: LoopbackNode) -> list[psutil.Process]:
    """The processes of vLLM there."""
    return [one for one in node.processes() if str(vllm_stand_in.FOLDER / "vllm") in words_of(one)]


def test_all_of_it_answers_as_one_worker_and_one_process_that_dies_ends_all(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    with cluster.client() as client:
        assert client.ask(PROMPT, model=BIG).text == PROMPT
        assert [len(stand_ins(node)) for node in nodes.values()] == [1, 1]
        for name, node in nodes.items():
            (process,) = stand_ins(node)
            assert process.environ()["CUDA_VISIBLE_DEVICES"] == f"GPU-{name}"
        assert [worker.model for worker in client.status().workers] == [BIG]
        first = status_of(client, BIG)
        assert first is not None
        other = nodes["b" if first.node == "a" else "a"]

        endless = GenerationOptions(extra={"ignore_eos": True})
        events = iter(client.chat(PROMPT, model=BIG, options=endless))
        begun = until(events, wire.Delta)
        (process,) = stand_ins(other)
        process.kill()
        all_of_it = [*begun, *events]
        end_of(all_of_it, wire.Interrupted)
        assert (PROMPT * 1000).startswith(text_of(all_of_it))
        assert client.ask(PROMPT, model=BIG).text == PROMPT

    cluster.process.kill()
    eventually(lambda: not any(stand_ins(node) for node in nodes.values()))


def test_where_there_is_room_on_one_node_alone_it_is_refused_with_figures(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    nodes["b"].switch_off()
    with cluster.client() as client:
        eventually(lambda: [one.silent for one in client.status().nodes] == [False, True])
        with pytest.raises(AiPalError) as refused:
            client.ask(PROMPT, model=BIG)
        assert refused.value.code == Code.INSUFFICIENT_MEMORY
        assert "24.0 GB on cuda:0" in str(refused.value)
        assert "b does not answer" in str(refused.value)
        assert not stand_ins(nodes["a"])


def test_without_a_cluster_it_is_refused(
    ai_pal_home: Path, tmp_path: Path, supervise: Callable[..., Supervised]
) -> None:
    file = ai_pal_home / "config.toml"
    file.write_text(f'[models.{BIG}]\npath = "{folder_of_a_model(tmp_path / "big")}"\nnodes = 2\n')
    with supervise(config=file).client() as client, pytest.raises(AiPalError) as refused:
        client.ask(PROMPT, model=BIG)
    assert refused.value.code == Code.CONFIG_INVALID
    assert "there is no cluster" in str(refused.value)
