"""Files on their way to a node, over a real link: an agent, the port and who gives, in one process."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.cluster import giving
from ai_pal.cluster.landing import FOLDER
from ai_pal.cluster.receiving import AHEAD, PIECE
from ai_pal.cluster.supplying import Supplying
from ai_pal.errors import Code
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.wanted import HubFiles
from tests.contract.test_cluster_link import A, B, Near, until
from tests.hub.loopback import Hub, Repo, loopback_hub

pytestmark = pytest.mark.anyio
PLACE = "models--org--m/snapshots/c0ffee/m.gguf"
DATA = os.urandom(4 * AHEAD * PIECE + 7)
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[Near]:
    near = Near(tmp_path)
    yield near
    await near.close()


@pytest.fixture
def supply(tmp_path: Path) -> wire.Supply:
    """A node with nothing, and a cache here that has the file."""
    file = tmp_path / "here" / PLACE
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)
    files = (wire.ModelFile(PLACE, len(DATA), HASH),)
    return wire.Supply(files, str(tmp_path / "there"), str(tmp_path / "here"))


def launched(near: Near, *workers: str) -> bool:
    there = {one.worker for one in near.told if isinstance(one, wire.Launched)}
    return there >= set(workers)


def ends(near: Near) -> list[wire.Ended]:
    return [one for one in near.told if isinstance(one, wire.Ended)]


def pieces(near: Near, monkeypatch: pytest.MonkeyPatch) -> list[wire.AskPiece]:
    """Those that are asked for from now on."""
    asked, real = list[wire.AskPiece](), near.giving.asked

    def note(worker: str, question: wire.Asked) -> bool:
        if isinstance(question, wire.AskPiece):
            asked.append(question)
        return real(worker, question)

    monkeypatch.setattr(near.giving, "asked", note)
    return asked


def there(supply: wire.Supply) -> Path:
    return Path(supply.cache) / PLACE


def kept(supply: wire.Supply) -> Path:
    return Path(supply.cache) / FOLDER / HASH


@pytest.mark.parametrize("noted", [HASH, ""], ids=["noted hash", "hashed when asked"])
async def test_a_node_that_lacks_a_file_gets_it_and_then_no_byte_more(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch, noted: str
) -> None:
    asked = pieces(near, monkeypatch)
    unknown = wire.Supply((wire.ModelFile(PLACE, len(DATA), noted),), supply.cache, supply.origin)
    near.place(A, near.relay.address, supply=unknown)
    await until(lambda: launched(near, A))
    assert there(supply).read_bytes() == DATA
    assert sum(one.count for one in asked) == len(DATA)
    assert not list(kept(supply).parent.iterdir())
    near.place(B, near.relay.address, supply=unknown)
    await until(lambda: launched(near, B))
    assert sum(one.count for one in asked) == len(DATA), "the node had it"


async def test_a_node_that_lacks_an_empty_file_alone_gets_it(near: Near, supply: wire.Supply) -> None:
    (Path(supply.origin) / "empty").touch()
    empty = wire.ModelFile("empty", 0)
    near.place(A, near.relay.address, supply=wire.Supply((empty,), supply.cache, supply.origin))
    await until(lambda: launched(near, A))
    assert (Path(supply.cache) / "empty").exists()
    assert not [one for one in near.told if isinstance(one, wire.Supplied)], "no part of nothing"


async def test_a_long_hash_holds_up_no_piece_and_all_who_wait_for_one_hear_that_it_gets_on(
    supply: wire.Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "ALIVE_BYTES", 8)
    told = list[tuple[str, wire.ToAgent]]()

    def tell(worker: str, answer: bytes) -> bool:
        told.append((worker, wire.decode_to_agent(answer)))
        return True

    slow = Path(supply.origin) / "slow"
    os.mkfifo(slow)
    files = (*supply.files, wire.ModelFile("slow", 1 << 40))
    gives = giving.Giving(tell)
    for worker in (A, B):
        gives.begin(worker, wire.Supply(files, supply.cache, supply.origin))
    assert gives.asked(A, wire.AskHash(A, 1))
    line = await asyncio.to_thread(os.open, slow, os.O_WRONLY)
    try:
        assert gives.asked(B, wire.AskHash(B, 0))
        os.write(line, bytes(8))
        await until(lambda: len(told) == 2)
        assert told == [(A, wire.Hash(1)), (B, wire.Hash(0))], "a sign of life"
        gives.begin("c", supply)
        assert gives.asked("c", wire.AskPiece("c", 0, 0, 7))
        await until(lambda: len(told) == 3)
        assert told[2] == ("c", wire.Piece(0, 0, DATA[:7]))
        gives.forget(A)
        os.write(line, bytes(8))
        await until(lambda: told[-1] == (B, wire.Hash(0, HASH)))
    finally:
        os.close(line)
        gives.close()


async def test_a_link_that_is_cut_half_way_leaves_nothing_whole_and_the_next_load_goes_on(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = pieces(near, monkeypatch), near.giving.asked
    half = len(DATA) // 2
    monkeypatch.setattr(
        near.giving,
        "asked",
        lambda worker, question: question.offset + question.count > half or real(worker, question),
    )
    near.place(A, near.relay.address, supply=supply)
    await until(lambda: kept(supply).exists() and kept(supply).stat().st_size > half - 2 * PIECE)
    near.agents[0].cancel()
    await asyncio.gather(*near.agents, return_exceptions=True)
    had = kept(supply).stat().st_size
    assert not there(supply).exists()
    asked.clear()
    monkeypatch.setattr(near.giving, "asked", real)
    near.place(B, near.relay.address, supply=supply)
    await until(lambda: launched(near, B))
    assert there(supply).read_bytes() == DATA
    assert sum(one.count for one in asked) == len(DATA) - had


async def test_two_loads_at_once_share_one_transfer(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pieces(near, monkeypatch)
    for worker in (A, B):
        near.place(worker, near.relay.address, supply=supply)
    await until(lambda: launched(near, A, B))
    assert there(supply).read_bytes() == DATA
    assert sum(one.count for one in asked) == len(DATA)
    told = {one.worker for one in near.told if isinstance(one, wire.Supplied)}
    assert told <= {A, B}


async def test_what_has_another_hash_is_thrown_away_and_told(near: Near, supply: wire.Supply) -> None:
    (Path(supply.origin) / PLACE).write_bytes(DATA[:-1] + b"!")
    near.place(A, near.relay.address, supply=supply)
    await until(lambda: ends(near))
    (end,) = ends(near)
    assert (end.refused, end.cause) == (True, Code.HASH_MISMATCH)
    assert "m.gguf is not that file" in end.reason
    assert not there(supply).exists()
    assert kept(supply).stat().st_size == 0


async def test_a_file_that_has_gone_here_is_told(near: Near, supply: wire.Supply) -> None:
    (Path(supply.origin) / PLACE).unlink()
    near.place(A, near.relay.address, supply=supply)
    await until(lambda: ends(near))
    (end,) = ends(near)
    assert (end.refused, end.cause) == (True, Code.DOWNLOAD_FAILED)
    assert "cannot be read: No such file" in end.reason


async def test_a_full_disk_is_a_refusal_with_figures(near: Near, supply: wire.Supply) -> None:
    large = wire.Supply((wire.ModelFile(PLACE, 1 << 60, HASH),), supply.cache, supply.origin)
    near.place(A, near.relay.address, supply=large)
    await until(lambda: ends(near))
    (end,) = ends(near)
    assert (end.refused, end.cause) == (True, Code.DISK_FULL)
    assert "1152921504.6 GB is needed" in end.reason


async def test_nothing_is_said_of_files_that_nobody_wants_any_more(supply: wire.Supply) -> None:
    said = list[object]()
    large = wire.Supply((wire.ModelFile(PLACE, 1 << 60, HASH),), supply.cache, supply.origin)
    supplying = Supplying(A, large, said.append, lambda failure: None)
    for thread in threading.enumerate():
        if thread.name == f"files of {A}":  # else it has ended already
            thread.join(60.0)
    supplying.stop()
    await asyncio.sleep(0)
    assert not said


async def test_what_lies_in_a_shared_folder_is_linked_and_not_sent(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pieces(near, monkeypatch)
    shared = wire.Supply(supply.files, supply.cache, "/nowhere", supply.origin)
    near.place(A, near.relay.address, supply=shared)
    await until(lambda: launched(near, A))
    assert there(supply).readlink() == Path(supply.origin) / PLACE
    assert not asked


def own(tmp_path: Path, changed: int) -> tuple[Path, wire.Supply]:
    """A file that lies in no cache, and what a node is told of it."""
    file = tmp_path / "own" / "a.gguf"
    file.parent.mkdir()
    file.write_bytes(DATA)
    told = wire.ModelFile("outside/1/a.gguf", len(DATA), "", str(file), changed or file.stat().st_mtime_ns)
    return file, wire.Supply((told,), str(tmp_path / "there"), "/nowhere")


async def test_a_file_of_no_cache_is_sent_unless_the_node_sees_that_very_one(
    near: Near, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pieces(near, monkeypatch)
    file, other = own(tmp_path, 1)
    there = Path(other.cache) / "outside" / "1" / "a.gguf"
    near.place(A, near.relay.address, supply=other)
    await until(lambda: launched(near, A))
    assert not there.is_symlink(), "there it was changed at another time: it is another file"
    assert there.read_bytes() == DATA
    assert sum(one.count for one in asked) == len(DATA)
    there.unlink()
    same = msgspec.structs.replace(other.files[0], changed=file.stat().st_mtime_ns)
    os.utime(there.parent, (0, 0))
    near.place(B, near.relay.address, supply=msgspec.structs.replace(other, files=(same,)))
    await until(lambda: launched(near, B))
    assert there.readlink() == file
    assert there.parent.stat().st_mtime > 0, "it would be swept away while it is used"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with loopback_hub() as hub:
        hub.repos["org/m"] = Repo({"m.gguf": DATA})
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        yield hub


def pulled(supply: wire.Supply, hub: Hub, repo: str = "org/m") -> wire.Supply:
    """The same file, as it is published."""
    commit = hub.repos["org/m"].commit
    place = f"models--org--m/snapshots/{commit}/m.gguf"
    here = Path(supply.origin) / place
    here.parent.mkdir(parents=True)
    (Path(supply.origin) / PLACE).rename(here)
    files = (wire.ModelFile(place, len(DATA), HASH),)
    return wire.Supply(files, supply.cache, supply.origin, pulled=HubFiles(repo, commit, "m.gguf"), model="m")


async def test_a_node_that_may_pulls_what_is_published_and_no_byte_comes_from_here(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    asked, published = pieces(near, monkeypatch), pulled(supply, hub)
    near.place(A, near.relay.address, supply=published)
    await until(lambda: launched(near, A))
    assert (Path(published.cache) / published.files[0].place).read_bytes() == DATA
    assert not asked
    assert len(hub.downloads("m.gguf")) == 1


async def test_what_a_node_cannot_pull_comes_from_here_and_why_is_told(
    near: Near, supply: wire.Supply, hub: Hub
) -> None:
    published = pulled(supply, hub, "org/gone")
    near.place(A, near.relay.address, supply=published)
    await until(lambda: launched(near, A))
    assert (Path(published.cache) / published.files[0].place).read_bytes() == DATA
    (line,) = [one.text for one in near.told if isinstance(one, wire.Line)]
    assert "the node's own pull failed: " in line


async def test_a_worker_that_is_ended_while_its_files_come_ends_at_once(
    near: Near, supply: wire.Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near.giving, "asked", lambda worker, question: True)
    near.place(A, near.relay.address, supply=supply)
    await until(lambda: kept(supply).exists())
    near.placements.signal(wire.Signal(A, 15), asyncio.get_running_loop().time())
    await until(lambda: ends(near))
    assert ends(near) == [wire.Ended(A, signal=15)]
    await asyncio.wait_for(near.agents[0], 60.0)


@pytest.mark.parametrize(
    "question",
    [
        wire.AskPiece(A, 1, 0, 1),
        wire.AskPiece(A, 0, -1, 1),
        wire.AskPiece(A, 0, 0, PIECE + 1),
        wire.AskPiece(A, 0, len(DATA), 1),
        wire.AskPiece(A, 0, 1 << 63, 1),
        wire.AskHash(A, -1),
    ],
)
async def test_nobody_gets_what_is_not_of_its_worker(
    near: Near, supply: wire.Supply, question: wire.Asked
) -> None:
    near.giving.begin(A, supply)
    assert not near.giving.asked(A, question)
    assert not near.giving.asked(B, wire.AskPiece(B, 0, 0, 1)), "nothing was promised to it"
    assert all(near.giving.asked(A, wire.AskPiece(A, 0, 0, 1)) for _ in range(AHEAD))
    assert not near.giving.asked(A, wire.AskPiece(A, 0, 0, 1)), "more than may be under way"
