"""What a preset says holds where a request says nothing; a model of its name goes first."""

from typing import Any

import pytest

from ai_pal.config.presets import Preset, save_fields
from ai_pal.gateway import presets
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import JsonSchema

ASKED = [Message("user", "hi")]


@pytest.fixture(autouse=True)
def brief(ai_pal_home: object) -> None:
    """A preset, and one that has a model's name."""
    said: dict[str, Any] = {"model": "echo", "system": "Be brief.", "temperature": 0.2, "stop": ["x"]}
    more: dict[str, Any] = {"local_only": True, "max_cost": 0.5, "schema": "{}", "options": {"pace": 1}}
    save_fields("brief", Preset(**said, **more), ())
    save_fields("smollm2", Preset(system="Never."), ())


@pytest.mark.parametrize(
    ("model", "preset"),
    [("brief", "brief"), ("brief:latest", "brief"), ("smollm2", ""), ("a/b", ""), ("", ""), ("none", "")],
)
def test_a_name_means_a_preset_where_no_model_is_called_so(model: str, preset: str) -> None:
    assert presets.named(model) == preset


def test_what_is_left_open_is_as_the_preset_says() -> None:
    how: Any = {"model": "brief", "temperature": None, "top_p": 0.5, "stop": [], "extra": {"pace": 2}}
    turns, asking = presets.of_chat(ASKED, how)
    assert [turn.text for turn in turns] == ["Be brief.", "hi"]
    assert asking == {
        "model": "echo", "temperature": 0.2, "top_p": 0.5, "stop": ["x"], "extra": {"pace": 2},
        "response_format": JsonSchema({}), "local_only": True, "max_cost": 0.5,
    }  # fmt: skip


def test_what_is_said_goes_over_it_but_nothing_makes_it_less_private() -> None:
    own = [Message("system", "Sing."), *ASKED]
    how: Any = {"model": "brief", "temperature": 1.0, "local_only": False, "max_cost": 0.1}
    turns, asking = presets.of_chat(own, how)
    assert turns == own
    assert (asking["temperature"], asking["local_only"], asking["max_cost"]) == (1.0, True, 0.1)


def test_a_text_that_is_gone_on_with_has_no_turns() -> None:
    asking = presets.of_text({"model": "brief", "temperature": None})
    assert (asking["model"], asking["temperature"]) == ("echo", 0.2)
    assert presets.of_text({"model": "echo"}) == {"model": "echo"}
    assert presets.meant("brief") == "echo"
    assert presets.meant("echo") == "echo"
    assert [name for name, _ in presets.every()] == ["brief"]
