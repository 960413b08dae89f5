"""What a client's settings say of requests that say nothing themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client.asking import Asking, chat_request, privacy, route_request
from ai_pal.client.requests import complete_request, count_request, embed_requests, rerank_requests
from ai_pal.client.usual import NOTHING, Usual, usual, usual_here
from ai_pal.config import load_settings
from ai_pal.protocol import client as wire

HOME = {"HOME": "/home/me"}
SAID = {
    "AI_PAL_MODEL": "echo",
    "AI_PAL_KEEP_ALIVE": "1h",
    "AI_PAL_DEADLINE": "20s",
    "AI_PAL_OPTIMIZATION_GOAL": "cost",
}


def test_what_the_environment_says_goes_along() -> None:
    environ = HOME | SAID
    expected = Usual("echo", "cost", 20.0, 3600.0)
    assert usual(load_settings(environ=environ).settings, environ) == expected == usual_here(environ)


def test_what_the_file_says_the_supervisor_has_read_itself(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('model = "echo"\nkeep_alive = "1h"\ndeadline = "20s"\noptimization_goal = "cost"\n')
    environ = HOME | {"AI_PAL_CONFIG": str(file)}
    assert usual(load_settings(environ=environ).settings, environ) == NOTHING == usual_here(environ)


@pytest.mark.parametrize("said", ["local_only = true", 'optimization_goal = "privacy"'])
def test_privacy_goes_along_wherever_it_was_said(tmp_path: Path, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(said)
    environ = HOME | {"AI_PAL_CONFIG": str(file)}
    found = usual(load_settings(environ=environ).settings, environ)
    assert found.local_only
    assert chat_request(1, "hi", Asking(), found).privacy == "local"
    assert chat_request(1, "hi", Asking(local_only=False), found).privacy == "any"


def test_among_the_users_machines_goes_along_and_the_stricter_wins(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("mine = true")
    environ = HOME | {"AI_PAL_CONFIG": str(file)}
    found = usual(load_settings(environ=environ).settings, environ)
    assert (
        chat_request(1, "hi", Asking(), found).privacy == "mine" == route_request(1, "hi", {}, found).privacy
    )
    assert chat_request(1, "hi", Asking(local_only=True), found).privacy == "local"
    assert privacy(False, {"AI_PAL_MINE": "1"}) == "mine"
    assert privacy(False, {"AI_PAL_MINE": "1", "AI_PAL_LOCAL_ONLY": "1"}) == "local"
    assert privacy(False, {"AI_PAL_MINE": "0"}) == "any"


def test_it_fills_what_a_request_leaves_open() -> None:
    found = Usual("echo", "cost", 20.0, 3600.0)
    chat = chat_request(1, "hi", Asking(model="", goal="", deadline=None), found)
    assert (chat.model, chat.goal, chat.deadline) == ("echo", "cost", 20.0)
    assert (chat.keep_alive, chat.usual_keep_alive) == (None, 3600.0)
    route = route_request(1, "hi", Asking(), found)
    assert (route.model, route.goal) == ("echo", "cost")


def test_what_a_request_says_goes_over_it() -> None:
    how = Asking(model="phi-2", goal="quality", deadline=5.0, keep_alive=0.0)
    chat = chat_request(1, "hi", how, Usual("echo", "cost", 20.0, 3600.0))
    assert (chat.model, chat.goal, chat.deadline, chat.keep_alive) == ("phi-2", "quality", 5.0, 0.0)


def test_the_usual_model_is_who_is_doubted_where_somebody_stronger_is_asked() -> None:
    found = Usual("echo")
    for how, model in (
        (Asking(escalate="stronger"), ""),
        (Asking(escalate="stronger", model="phi-2"), "phi-2"),
    ):
        assert chat_request(1, "hi", how, found).model == route_request(1, "hi", how, found).model == model
    assert chat_request(1, "hi", Asking(escalate="ask"), found).model == "echo"


def jobs_of(how: Mapping[str, bool], usually: Usual = NOTHING) -> list[wire.Privacy]:
    """How far each request may go that is no chat."""
    said: Any = how
    asked: list[Any] = [
        complete_request(1, "hi", None, said, usually),
        count_request(1, "hi", said, usually),
        *embed_requests(lambda: 1, ["hi"], 0, said, usually),
        *rerank_requests(lambda: 1, "hi", ["ho"], said, usually),
    ]
    return [one.privacy for one in asked]


def test_all_that_models_read_says_how_far_it_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs_of({}) == ["any"] * 4
    assert jobs_of({"mine": True}) == ["mine"] * 4
    assert jobs_of({"local_only": True, "mine": True}) == ["local"] * 4
    assert jobs_of({}, NOTHING._replace(local_only=True)) == ["local"] * 4
    monkeypatch.setenv("AI_PAL_LOCAL_ONLY", "1")
    assert jobs_of({}) == ["local"] * 4
