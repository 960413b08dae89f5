"""Models whose files a node lacks, with the real parts: it gets them, once and whole, and answers."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.catalog.caches.hub_cache import FileFacts, HubManifest, manifest_path
from ai_pal.catalog.weights.identity import OUTSIDE
from ai_pal.cluster.landing import FOLDER
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from tests.cluster_nodes import LoopbackNode
from tests.process.eventually import eventually
from tests.process.loopback_nodes import left_empty, settings_of
from tests.process.supervised import Supervised

COMMIT = "c0ffee" * 6 + "c0ff"
REPO = "models--tests--tiny"
PLACE = f"{REPO}/snapshots/{COMMIT}/tiny-F32.gguf"
MODEL = "tests/tiny:F32"
LONG = 256 << 20
"""Bytes that take so long on their way that it can be cut."""

SHORT = GenerationOptions(max_tokens=2)


@pytest.fixture
def file(ai_pal_home: Path) -> Path:
    """A model in the cache of the supervisor's machine, as a pull leaves it."""
    from tests import tiny_gguf

    file = ai_pal_home / "models" / PLACE
    file.parent.mkdir(parents=True)
    return tiny_gguf.save(file, "sentencepiece")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LoopbackNode]:
    node = LoopbackNode(tmp_path, "a")
    with left_empty([node]):
        yield node


@pytest.fixture
def start(
    node: LoopbackNode, ai_pal_home: Path, supervise: Callable[..., Supervised]
) -> Callable[..., Supervised]:
    def start(more: str = "") -> Supervised:
        config = ai_pal_home / "config.toml"
        config.write_text(settings_of([node]) + more)
        return supervise(config=config)

    return start


def transfers(cluster: Supervised) -> int:
    return len(cluster.logged("worker_phase", phase="fetching"))


def said_nodes(events: Iterable[object]) -> set[str]:
    """The nodes whose transfers or loads were told."""
    return {event.node for event in events if isinstance(event, wire.Loading) and event.node}


def test_a_node_with_an_empty_home_gets_the_model_and_answers_and_then_has_it(
    start: Callable[..., Supervised], node: LoopbackNode, file: Path
) -> None:
    cluster = start()
    with cluster.client() as client:
        events = list(client.chat("the sea", model=MODEL, options=SHORT))
        assert isinstance(events[-1], wire.Done)
        assert said_nodes(events) == {"a"}
        there = node.cache / PLACE
        assert there.read_bytes() == file.read_bytes()
        assert transfers(cluster) == 1
        client.unload(MODEL)
        assert client.ask("the sea", model=MODEL, options=SHORT).model == MODEL
        assert transfers(cluster) == 1, "it was sent again"


def test_a_transfer_that_is_cut_half_way_leaves_nothing_that_is_taken_for_whole_and_is_gone_on_with(
    start: Callable[..., Supervised], node: LoopbackNode, file: Path
) -> None:
    with file.open("r+b") as grown:
        grown.truncate(LONG)
    cluster, coming = start(), node.cache / FOLDER

    def came() -> int:
        return sum(one.stat().st_size for one in coming.glob("*"))

    with cluster.client() as client:
        answer = client.chat("the sea", model=MODEL, options=SHORT)
        eventually(came)
        node.switch_off()
        half = came()
        assert 0 < half < LONG
        assert not (node.cache / PLACE).exists()
        (kept,) = coming.glob("*")
        before = kept.stat()
        node.switch_on()
        events = list(answer)
        assert isinstance(events[-1], wire.Done)
        assert said_nodes(events) == {"a"}
        after = (node.cache / PLACE).stat()
        assert (after.st_ino, after.st_size) == (before.st_ino, LONG)
        assert not list(coming.glob("*"))


def test_a_file_that_is_damaged_here_is_thrown_away_there_and_told(
    start: Callable[..., Supervised], node: LoopbackNode, file: Path, ai_pal_home: Path
) -> None:
    facts = {file.name: FileFacts(file.stat().st_size, "0" * 64)}
    note = manifest_path(ai_pal_home / "models" / REPO, COMMIT)
    note.parent.mkdir()
    note.write_bytes(msgspec.json.encode(HubManifest("tests/tiny", COMMIT, "", facts, "")))
    with start().client() as client:
        with pytest.raises(AiPalError) as refused:
            client.ask("the sea", model=MODEL, options=SHORT)
        assert refused.value.code == Code.HASH_MISMATCH
        assert "a refused it: what came of tiny-F32.gguf is not that file" in str(refused.value)
    assert not (node.cache / PLACE).exists()


def test_a_model_outside_the_cache_and_an_adapter_come_along_and_anew_when_they_are_changed(
    start: Callable[..., Supervised],
    node: LoopbackNode,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests import lora, tiny_gguf

    merged = tiny_gguf.save(tmp_path / "merged.gguf", "sentencepiece", changes=lora.changes(0.5))
    adapter = lora.save_gguf(tmp_path / "a.gguf")
    greedy = GenerationOptions(max_tokens=12, temperature=0.0)
    with start().client() as client:

        def said(model: str) -> str:
            return client.ask("the sea is deep", model=model, options=greedy).text

        adapted = said(f"{MODEL}?lora={adapter}=0.5")
        assert adapted == said(str(merged)) != said(MODEL)
        assert {one.name for one in (node.cache / OUTSIDE).glob("*/*")} == {"a.gguf", "merged.gguf"}
        size = adapter.stat().st_size
        monkeypatch.setattr(lora, "ALPHA", 1e-9)  # it changes nothing
        lora.save_gguf(adapter)
        assert adapter.stat().st_size == size
        assert said(f"{MODEL}?lora={adapter}=0.5") == said(MODEL)


def test_what_lies_in_a_folder_that_nodes_share_is_read_there(
    start: Callable[..., Supervised], node: LoopbackNode, file: Path, ai_pal_home: Path
) -> None:
    cluster = start(f'shared = "{ai_pal_home}/models"')
    with cluster.client() as client:
        assert client.ask("the sea", model=MODEL, options=SHORT).model == MODEL
    assert (node.cache / PLACE).readlink() == file
    assert transfers(cluster) == 0
