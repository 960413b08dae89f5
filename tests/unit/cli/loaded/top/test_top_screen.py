"""The screen of `ai-pal top`: whatever there is, it fits, and nothing of it drives the terminal."""

import re

import msgspec
import pytest

from ai_pal.cli.loaded.top.choosing import CallOff, Line, Unload, View
from ai_pal.cli.loaded.top.screen import KEYS, NOT_RUNNING, plain, screen, shares, windowed
from ai_pal.cli.terminal.cells import columns_of
from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire

GB = 10**9
STYLE = re.compile(r"\x1b\[\d+m")
MODEL = wire.WorkerStatus(
    "smol", "ready", pid=7, memory=2 * GB, idle_for=3.0, unloads_in=297.0, keep_alive=300.0
)
ASKED = wire.RequestStatus(
    "aa.1", "chat", "queued", client="ai-pal chat", model="smol", position=2, seconds=4.0
)
EVICTED = wire.Happening("evicted", "phi-3", reason="evicted to make room for smol", seconds=60.0)


def scene(models: int = 1, requests: int = 1, happened: int = 1) -> Scene:
    found = Scene()
    picture = wire.Picture(
        1, "1.2", 5, 60.0, clients=2, free=10 * GB, total=16 * GB,
        models=[msgspec.structs.replace(MODEL, model=f"smol{n}") for n in range(models)],
        requests=[msgspec.structs.replace(ASKED, key=f"aa.{n}") for n in range(requests)],
        happened=[EVICTED] * happened,
        gateways=[wire.Gateway("http://127.0.0.1:11435", 9)],
    )  # fmt: skip
    found.take(picture, 100.0)
    return found


def shown(view: View, what: Scene, columns: int = 100, rows: int = 24) -> list[str]:
    return screen(view, what, columns, rows, 100.0, colour=False)


def test_all_there_is_to_know_is_there() -> None:
    view = View(chosen=Line("request", "aa.0"))
    *lines, blank, keys = [line.rstrip() for line in shown(view, scene())]
    assert (blank, keys) == ("", KEYS)
    assert (
        "\n".join(lines).rstrip()
        == """\
ai-pal 1.2  supervisor 5, up 1m, 2 clients
memory free 10.0 GB of 16.0 GB, models 2.0 GB, others 4.0 GB  ████▒▒▒▒▒▒▒▒··················
serves http://127.0.0.1:11435 (9)

  MODEL  STATE  PID  MEMORY    RESERVED  WINDOW  CAN  ACTIVE  QUEUED  REQUESTS  IDLE FOR  UNLOADS IN
  smol0  ready  7    2,000 MB  -         -       -    0       0       0         3s        4m57s

  REQUEST  MODEL  PHASE       TOKENS  TOKENS/S  FIRST  FOR  WHO          KEY
> chat     smol   queued, 2.  -       -         -      4s   ai-pal chat  aa.0

  LAST
  1m ago  evicted phi-3: evicted to make room for smol"""
    )


@pytest.mark.parametrize("rows", [1, 2, 5, 9, 14, 24])
@pytest.mark.parametrize("columns", [8, 40, 100])
def test_it_fits_and_the_chosen_line_is_seen(columns: int, rows: int) -> None:
    full = scene(models=30, requests=40, happened=20)
    for chosen in (Line("model", "smol29"), Line("request", "aa.39"), Line("request", "aa.0")):
        lines = shown(View(chosen=chosen), full, columns, rows)
        assert len(lines) <= rows
        assert max(map(len, lines)) <= columns
        if rows >= 14:
            assert sum(line.startswith("> ") for line in lines) == 1


@pytest.mark.parametrize("columns", [8, 39, 79, 199])
def test_help_and_the_keys_fit(columns: int) -> None:
    text = [line.rstrip() for line in shown(View(help=True), scene(), columns, 60)]
    assert max(map(len, text)) <= columns
    if columns > 30:
        assert "it stays until it is unloaded; once more takes that back" in " ".join(" ".join(text).split())
        assert text[-1].startswith("q quit  ? help")
        assert text[-1].endswith(("cancel", "help"))


def test_on_a_narrow_terminal_what_matters_is_whole() -> None:
    lines = [line.rstrip() for line in shown(View(), scene(), 39)]
    assert lines[:2] == ["supervisor 5, up 1m, 2 clients", "free 10.0 GB of 16.0 GB, models 2.0 GB"]
    heads = [line for line in lines if line.startswith(("  MODEL", "  REQUEST"))]
    assert heads == ["  MODEL  STATE  MEMORY    UNLOADS IN", "  MODEL  PHASE       TOKENS/S  FOR"]
    assert shown(View(), Scene(), 30)[1] == "waiting for a supervisor"


def test_wide_characters_take_two_columns() -> None:
    found = Scene()
    models = [msgspec.structs.replace(MODEL, model="日本語のモデル" * 3)]
    found.take(wire.Picture(1, "1", 1, 1.0, total=GB, models=models))
    for line in shown(View(chosen=Line("model", models[0].model)), found, 39):
        assert columns_of(line) <= 39


def test_style_is_all_that_colour_adds() -> None:
    view = View(chosen=Line("model", "smol0"))
    styled = screen(view, scene(), 100, 24, 100.0)
    assert [STYLE.sub("", line).rstrip() for line in styled] == [
        line.rstrip() for line in shown(view, scene())
    ]
    assert any("\x1b[7m>" in line for line in styled)


def test_names_of_others_drive_nothing() -> None:
    bad = Scene()
    evil = "\x1b]0;x\x07\n"
    request = wire.RequestStatus("k\x1b.1", "chat", "asked", client=evil, model=evil)
    gateways = [wire.Gateway(evil)]
    happened = [wire.Happening("evicted", evil, reason=evil)]
    models = [wire.WorkerStatus(evil, "failed", reason=evil)]
    bad.take(wire.Picture(1, "1", 1, 1.0, 1, 1, 1, models, [request], gateways=gateways, happened=happened))
    views = View(), View(message=evil), View(asked=Unload(evil)), View(asked=CallOff("k\x1b.1"))
    for view in views:
        text = "".join(shown(view, bad, 200))
        assert not re.search(r"[\x00-\x1f\x7f]", text)
    assert "\x1b" not in plain(bad, None, 1.0)


def test_without_a_supervisor_it_says_that_it_waits() -> None:
    assert shown(View(), Scene())[1] == NOT_RUNNING


def test_a_question_and_a_message_take_the_place_of_the_keys() -> None:
    assert shown(View(message="unloaded smol"), scene())[-1] == "unloaded smol"
    assert shown(View(asked=CallOff("aa.0")), scene())[-1] == "cancel chat of ai-pal chat (aa.0)? y/n"


def test_a_pipe_gets_everything() -> None:
    text = plain(scene(models=30, requests=40, happened=20), None, 100.0)
    assert text.count("smol29") == 1
    assert text.count("aa.39") == 1
    assert text.count("evicted phi-3") == 20


def test_the_longest_give_way_first() -> None:
    assert shares([3, 10, 2], 9) == [3, 4, 2]
    assert shares([1, 1], 0) == [1, 1]
    assert [row for _, row in windowed(["a", "b", "c", "d"], 3, 3)] == ["c", "d", "  ... 2 more"]
    assert [row for _, row in windowed(["a", "b"], 1, 1)] == ["b"]


def test_nodes_are_told_with_their_cards() -> None:
    found = scene(requests=0, happened=0)
    node = wire.NodeStatus("gpu1", 5 * GB, 8 * GB, 4, [wire.NodeCard("cuda:0", 3 * GB, 24 * GB)])
    found.take(wire.Changes(1, nodes=[node]))
    lines = [" ".join(line.split()) for line in shown(View(), found)]
    assert "NODE STATE MEMORY FREE CORES CARDS FREE MODELS" in lines
    assert "gpu1 answers 5.0 of 8.0 GB 4 3.0 of 24.0 GB -" in lines
    found.take(wire.Changes(1, free=1))
    assert found.nodes == [node]
