"""What goes on with a response that was not to leave does not leave either, whatever its own request says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ai_pal.client import AsyncClient
from ai_pal.client.answer import Answer
from ai_pal.gateway.asking.asked import Asked
from ai_pal.gateway.ollama.doors import generate
from ai_pal.gateway.openai.responses.doors import Responses
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.protocol import client as wire

HERE, MINE, ANYWHERE = (True, False), (False, True), (False, False)


class Client:
    """Takes every question, and what was said of it."""

    how: dict[str, Any]

    def chat(self, _: Any, **how: Any) -> None:
        self.how = how


class World:
    def __init__(self, file: Path) -> None:
        self.kept = Kept(file, 100.0)
        self.responses, self.client = Responses(self.kept), Client()

    def ask(
        self, said: dict[str, Any] | None = None, **body: Any
    ) -> tuple[dict[str, Any], tuple[bool, bool]]:
        """The response, and how the question has gone on: local-only, among the user's machines."""
        asked = self.responses.create(json.dumps({"input": "hi", "model": "smollm2", **body}).encode(), "")
        assert isinstance(asked, Asked)
        asked.begin(cast("AsyncClient", self.client), cast("Any", said or {}))
        answer = Answer(finish_reason="stop")
        answer.take(wire.Delta(1, 0, 1, "a word"))
        response = json.loads(asked.writer.whole(answer))
        how = self.client.how
        return response, (bool(how.get("local_only")), bool(how.get("mine")))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("AI_PAL_CONFIG", raising=False)
    world = World(tmp_path / "responses.db")
    yield world
    world.kept.close()


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"local_only": True}, HERE),
        ({"goal": "privacy"}, HERE),
        ({"mine": True}, MINE),
        ({}, ANYWHERE),
    ],
)
def test_what_goes_on_with_it_goes_no_further(
    world: World, said: dict[str, Any], level: tuple[bool, bool]
) -> None:
    first, _ = world.ask(said)
    laxer = {"local_only": False, "mine": False, "goal": "quality"}
    second, there = world.ask(laxer, previous_response_id=first["id"])
    assert there == level
    assert world.ask(laxer, previous_response_id=second["id"])[1] == level
    item = {"type": "item_reference", "id": first["output"][0]["id"]}
    assert world.ask(laxer, input=[item, {"role": "user", "content": "go on"}])[1] == level


def test_a_preset_that_stays_here_is_kept_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "near.toml").write_text('model = "smollm2"\nlocal_only = true\n')
    first, _ = world.ask(model="near")
    assert world.ask(previous_response_id=first["id"])[1] == HERE


def test_ollamas_context_goes_no_further(world: World) -> None:
    context: list[int] = []
    for said in ({"local_only": True}, {"local_only": False}, {}):
        asked = generate(json.dumps({"model": "smollm2", "prompt": "hi", "context": context}).encode())
        assert isinstance(asked, Asked)
        asked.begin(cast("AsyncClient", world.client), cast("Any", said))
        assert world.client.how["local_only"] is True
        context = json.loads(asked.writer.whole(Answer(finish_reason="stop")))["context"]
