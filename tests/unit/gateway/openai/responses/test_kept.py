"""Responses that are kept: bounded in number, size and time, shared by processes, there after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.openai.responses.kept import SWEEP_SECONDS, Kept, Response
from ai_pal.protocol.content import Image, Message, Text

TURNS = (
    Message("user", [Text("what is it?"), Image("image/png", b"\x89PNG")]),
    Message("assistant", "a cat"),
)
MARK = "a word that nobody else says"


class World:
    """A file, and what time it is."""

    def __init__(self, folder: Path) -> None:
        self.file, self.time = folder / "responses.db", 1000.0
        self.opened: list[Kept] = []

    def kept(self, seconds: float = 100.0, most: int = 1000, most_bytes: int = 10_000) -> Kept:
        self.opened.append(Kept(self.file, seconds, most, most_bytes, lambda: self.time))
        return self.opened[-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for kept in world.opened:
        kept.close()


def response(name: str, size: int = 1) -> Response:
    output = [{"id": f"msg_{name}", "text": "x" * size}]
    return Response({"id": name, "output": output}, [{"id": "in"}], TURNS)


def there(kept: Kept, *names: str) -> list[str]:
    found = [name for name in names if kept.item(f"msg_{name}")]
    for name in names:
        if name in found:
            assert kept.get(name).response["id"] == name
        else:
            with pytest.raises(AiPalError) as caught:
                kept.get(name)
            assert caught.value.failure.code == Code.CONVERSATION_NOT_FOUND
    return found


def test_the_oldest_goes_where_there_are_too_many(world: World) -> None:
    kept = world.kept(most=2)
    for name in "abc":
        kept.put(response(name))
    assert there(kept, *"abc") == ["b", "c"]


def test_the_oldest_go_where_they_are_too_large(world: World) -> None:
    kept = world.kept()
    for name in "ab":
        kept.put(response(name, 4000))
    kept.put(response("c", 5000))
    assert there(kept, *"abc") == ["b", "c"]
    kept.put(response("d", 20_000))
    assert there(kept, *"abcd") == []


def test_what_is_forgotten_makes_room_and_leaves_no_trace(world: World) -> None:
    kept = world.kept()
    kept.put(Response({"id": "a", "output": []}, [], (Message("user", MARK),)))
    assert MARK.encode() in b"".join(path.read_bytes() for path in world.file.parent.iterdir())
    kept.delete("a")
    assert MARK.encode() not in b"".join(path.read_bytes() for path in world.file.parent.iterdir())
    with pytest.raises(AiPalError):
        kept.delete("a")


def test_after_its_time_it_is_gone_from_answers_and_soon_from_the_disk(world: World) -> None:
    kept = world.kept(seconds=100.0)
    kept.put(Response({"id": "a", "output": []}, [], (Message("user", MARK),)))
    world.time += 99.0
    assert kept.get("a").turns[0].text == MARK
    world.time += 1.0
    assert there(kept, "a") == []
    world.time += SWEEP_SECONDS
    assert there(kept, "b") == []
    assert MARK.encode() not in b"".join(path.read_bytes() for path in world.file.parent.iterdir())


def test_another_process_and_one_after_a_restart_have_the_whole_of_it(world: World) -> None:
    first, second = world.kept(), world.kept()
    first.put(response("a"))
    assert second.get("a") == response("a")
    first.close()
    second.put(response("b"))
    assert there(world.kept(), *"ab") == ["a", "b"]
    assert world.file.stat().st_mode & 0o077 == 0


def test_where_nothing_is_kept_nothing_is_written(world: World) -> None:
    kept = world.kept(seconds=0.0)
    assert not kept.keeps
    kept.put(response("a"))
    assert there(kept, "a") == []
    assert not world.file.exists()


def test_an_answer_goes_out_where_it_cannot_be_kept(world: World) -> None:
    world.file.write_text("no database at all, and long enough to be looked at as one" * 20)
    kept = world.kept()
    kept.put(response("a"))
    with pytest.raises(AiPalError) as caught:
        kept.get("a")
    assert caught.value.failure.code == Code.STORE_DAMAGED
