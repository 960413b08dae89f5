"""What a preset says holds where a request says nothing; a model of its name goes first."""

from typing import Any, cast

import pytest

from ai_pal.client import AsyncClient
from ai_pal.config.client_keys import ClientKey
from ai_pal.config.presets import Example, Preset, save_fields
from ai_pal.errors import AiPalError
from ai_pal.gateway.access.callers import Caller
from ai_pal.gateway.access.rights import KeyedClient
from ai_pal.gateway.asking import presets
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import JsonSchema, NamedTool, Tool

ASKED = [Message("user", "hi")]
NOBODY = cast("AsyncClient", object())
"""Nobody who has only some rights."""


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


def test_where_no_preset_is_called_so_the_settings_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request comes by here."""
    monkeypatch.setattr(presets, "load_settings", lambda: pytest.fail("they were read"))
    assert presets.named("none") == ""


@pytest.mark.parametrize("model", ["smollm2", "smollm2:latest", "smollm2?slots=4", "/models/x.gguf", ""])
def test_for_the_name_of_a_model_no_preset_is_looked_for(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """The folder would be read before each of its answers."""
    monkeypatch.setattr("ai_pal.config.presets.named", lambda name: pytest.fail("it was looked for"))
    assert presets.named(model) == ""


def test_a_model_goes_before_a_preset_that_is_called_so_but_for_its_case() -> None:
    save_fields("Phi-3", Preset(system="Never."), ())
    assert presets.named("phi-3") == ""
    assert presets.named("Phi-3") == "Phi-3"


def test_what_is_left_open_is_as_the_preset_says() -> None:
    how: Any = {"model": "brief", "temperature": None, "top_p": 0.5, "stop": [], "extra": {"pace": 2}}
    turns, asking = presets.of_chat(NOBODY, ASKED, how)
    assert [turn.text for turn in turns] == ["Be brief.", "hi"]
    assert asking == {
        "model": "echo", "temperature": 0.2, "top_p": 0.5, "stop": ["x"], "extra": {"pace": 2},
        "response_format": JsonSchema({}), "local_only": True, "max_cost": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("choice", ["required", NamedTool("a")], ids=str)
def test_its_form_holds_no_call_that_has_to_be_made(choice: object) -> None:
    how: Any = {"model": "brief", "tools": [Tool("a")], "tool_choice": choice}
    assert presets.of_chat(NOBODY, ASKED, how)[1]["response_format"] is None
    assert presets.of_count(NOBODY, ASKED, how)[1]["response_format"] is None
    how["tool_choice"] = "auto"
    assert presets.of_chat(NOBODY, ASKED, how)[1]["response_format"] == JsonSchema({})


def test_what_is_said_goes_over_it_but_nothing_makes_it_less_private() -> None:
    own = [Message("system", "Sing."), *ASKED]
    how: Any = {"model": "brief", "temperature": 1.0, "local_only": False, "max_cost": 0.1}
    turns, asking = presets.of_chat(NOBODY, own, how)
    assert turns == own
    assert (asking["temperature"], asking["local_only"], asking["max_cost"]) == (1.0, True, 0.1)


def test_a_text_that_is_gone_on_with_has_no_turns() -> None:
    asking = presets.of_text(NOBODY, {"model": "brief", "temperature": None})
    assert (asking["model"], asking["temperature"]) == ("echo", 0.2)
    assert presets.of_text(NOBODY, {"model": "echo"}) == {"model": "echo"}
    assert presets.meant(NOBODY, "brief") == "echo"
    assert presets.meant(NOBODY, "echo") == "echo"
    assert [name for name, _ in presets.every()] == ["brief"]


def asked_of(how: dict[str, Any]) -> tuple[str, int | None]:
    """The model that is asked, and the window that it has to have at least."""
    _, asking = presets.of_chat(NOBODY, ASKED, cast("Any", how))
    return str(asking.get("model")), asking.get("context")


def test_its_window_is_the_one_that_its_model_is_loaded_with() -> None:
    save_fields("short", Preset(model="echo?slots=2", context=64), ())
    save_fields("any", Preset(context=64), ())
    save_fields("far", Preset(model="openai:gpt-4.1", context=64), ())
    assert asked_of({"model": "short"}) == ("echo?context=64&slots=2", 64)
    assert asked_of({"model": "short", "context": 32}) == ("echo?context=64&slots=2", 32)
    assert asked_of({"model": "short", "context": 128}) == ("echo?slots=2", 128)
    assert presets.meant(NOBODY, "short") == "echo?context=64&slots=2"
    assert asked_of({"model": "any"})[0].endswith("?context=64")
    assert presets.loads()["echo?context=64&slots=2"] == "short"
    with pytest.raises(AiPalError, match="its provider's window"):
        asked_of({"model": "far"})


def test_a_key_may_have_the_options_that_its_owner_has_said_and_no_others() -> None:
    save_fields("short", Preset(model="echo", context=64), ())
    client = KeyedClient(NOBODY, Caller("guest", ClientKey(sha256="", created=0.0)))
    assert client.named(presets.meant(client, "short")) == "echo?context=64"
    with pytest.raises(AiPalError, match="may not name files"):
        client.named("echo?context=65")


def test_its_examples_stand_behind_the_system_prompt() -> None:
    said = [Example("user", "2+2"), Example("assistant", "4")]
    save_fields("sums", Preset(system="Be brief.", messages=said), ())
    turns, _ = presets.of_chat(NOBODY, ASKED, {"model": "sums"})
    assert [turn.text for turn in turns] == ["Be brief.", "2+2", "4", "hi"]
    turns, _ = presets.of_count(NOBODY, [Message("system", "Sing."), *ASKED], {"model": "sums"})
    assert [turn.text for turn in turns] == ["Sing.", "2+2", "4", "hi"]
