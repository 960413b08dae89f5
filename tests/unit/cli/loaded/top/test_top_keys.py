"""The keys of `ai-pal top`: what is chosen, what is asked about first, and what is done."""

import msgspec
import pytest

from ai_pal.cli.loaded.top.choosing import CallOff, Keep, Line, Quit, Unload, View, keys_of, pressed, settled
from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire

IDLE, BUSY = wire.WorkerStatus("idle", "ready", keep_alive=300.0), wire.WorkerStatus("busy", "busy", active=1)
FOREVER = wire.WorkerStatus("kept", "ready", keep_alive=-1.0)
PINNED = wire.WorkerStatus("pinned", "ready", pinned=True)
CHAT = wire.RequestStatus("aa.1", "chat", "answering")


@pytest.fixture
def scene() -> Scene:
    found = Scene()
    models, requests = [IDLE, BUSY, FOREVER, PINNED], [CHAT]
    found.take(wire.Picture(1, "1", 1, 1.0, models=models, requests=requests))
    return found


def on(name: str) -> View:
    return View(chosen=Line("request" if "." in name else "model", name))


def same(view: View, other: View) -> bool:
    """But for the place of what is chosen."""
    return msgspec.structs.replace(view, place=0) == msgspec.structs.replace(other, place=0)


def test_typed_bytes_are_keys() -> None:
    assert keys_of(b"\x1b[A\x1bOBjkq?h\x1b[Zx") == ["up", "down", "down", "up", "q", "?", "?", "\x1b[Z", "x"]
    assert keys_of(b"\x1b") == ["\x1b"]
    assert keys_of("ä".encode()) == ["\ufffd", "\ufffd"]


def test_a_line_is_chosen_and_moved_within_the_ends(scene: Scene) -> None:
    view = settled(View(), scene)
    seen = [view.chosen]
    for _ in range(5):
        view, action = pressed(view, "down", scene)
        assert action is None
        seen.append(view.chosen)
    assert [line.name for line in seen if line] == ["idle", "busy", "kept", "pinned", "aa.1", "aa.1"]
    assert pressed(view, "up", scene)[0].chosen == Line("model", "pinned")


def test_what_is_gone_is_not_chosen_and_not_asked_about(scene: Scene) -> None:
    view, _ = pressed(on("aa.1"), "c", scene)
    assert view.asked == CallOff("aa.1")
    scene.take(wire.Changes(1, requests=[wire.RequestStatus("aa.1", "chat", "done")]))
    assert same(settled(view, scene), on("idle"))
    assert settled(on("idle"), Scene()) == View()


def test_when_the_chosen_line_goes_the_next_of_its_kind_is_chosen() -> None:
    scene, asked = Scene(), [msgspec.structs.replace(CHAT, key=f"aa.{n}") for n in (1, 2, 3)]
    scene.take(wire.Picture(1, "1", 1, 1.0, models=[IDLE], requests=asked))
    view, _ = pressed(pressed(on("aa.1"), "down", scene)[0], "c", scene)
    assert view.asked == CallOff("aa.2")
    for left in ("aa.3", "aa.1", "idle"):
        assert view.chosen is not None
        scene.take(wire.Changes(1, requests=[wire.RequestStatus(view.chosen.name, "chat", "done")]))
        view = settled(view, scene)
        assert (view.chosen, view.asked) == (on(left).chosen, None)


@pytest.mark.parametrize(
    ("chosen", "key", "action"),
    [
        ("idle", "u", Unload("idle")),
        ("idle", "p", Keep("idle", True)),
        ("kept", "p", Keep("kept", False)),
        ("idle", "q", Quit()),
        ("pinned", "p", None),
        ("aa.1", "u", None),
        ("aa.1", "p", None),
        ("idle", "c", None),
        ("idle", "x", None),
    ],
)
def test_a_key_does_one_thing_or_says_why_not(chosen: str, key: str, action: object, scene: Scene) -> None:
    view, done = pressed(on(chosen), key, scene)
    assert done == action
    assert view.chosen == on(chosen).chosen
    assert bool(view.message) == (action is None and key != "x")


@pytest.mark.parametrize(
    ("chosen", "key", "action"), [("busy", "u", Unload("busy")), ("aa.1", "c", CallOff("aa.1"))]
)
def test_what_ends_something_is_asked_about_first(
    chosen: str, key: str, action: object, scene: Scene
) -> None:
    asked, done = pressed(on(chosen), key, scene)
    assert (asked.asked, done) == (action, None)
    agreed, done = pressed(asked, "y", scene)
    assert (same(agreed, on(chosen)), done) == (True, action)
    for other in ("n", "q", "u", "\x1b"):
        refused, done = pressed(asked, other, scene)
        assert (same(refused, on(chosen)), done) == (True, None)


def test_help_comes_and_goes_with_any_key_but_q(scene: Scene) -> None:
    view, _ = pressed(on("idle"), "?", scene)
    assert view.help
    assert not pressed(view, "u", scene)[0].help
    assert pressed(view, "u", scene)[1] is None
    assert pressed(view, "q", scene)[1] == Quit()


def test_with_nothing_to_choose_keys_say_so() -> None:
    assert pressed(View(), "u", Scene())[0].message
    assert pressed(View(), "down", Scene()) == (View(), None)
