"""Presets: files that are checked, and that keep what somebody wrote into them."""

import stat
from pathlib import Path

import pytest

from ai_pal.config import presets
from ai_pal.config.presets import Example, Preset
from ai_pal.errors import AiPalError, Code


@pytest.fixture
def folder(ai_pal_home: Path) -> Path:
    made = ai_pal_home / "presets"
    made.mkdir()
    return made


def test_what_is_kept_is_found_again(ai_pal_home: Path) -> None:
    every = Preset(
        model="phi-3", system='You say "hi".\nTwo lines.\\', temperature=0.2, top_p=0.9, max_tokens=5,
        seed=-1, stop=["\n", "END"],
        context=4096, local_only=True, goal="cost", max_cost=0.5, options={"top_k": 3},
        messages=[Example("user", "2+2"), Example("assistant", "4\n")], made_by="api",
    )  # fmt: skip
    presets.save_fields("mine", every, ())
    assert presets.load_preset("mine") == every
    assert presets.names() == ["mine"]
    assert stat.S_IMODE(presets.place("mine").stat().st_mode) == 0o600


def test_a_field_changes_and_remarks_stay(folder: Path) -> None:
    file = folder / "mine.toml"
    file.write_text('# for reviews\nsystem = "Be brief."  # always\ntemperature = 0.2\n')
    presets.save_fields("mine", Preset(temperature=0.8, model="phi-3"), ())
    assert file.read_text() == (
        '# for reviews\nsystem = "Be brief."  # always\ntemperature = 0.8\nmodel = "phi-3"\n'
    )
    presets.save_fields("mine", Preset(), ("system",))
    assert presets.load_preset("mine") == Preset(temperature=0.8, model="phi-3")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("temprature = 1", "did you mean temperature?"),
        ("temperature = -1", "temperature"),
        ("temperature = 'hot'", "temperature"),
        ("top_p = 1.1", "top_p is a number from 0 to 1, not 1.1"),
        ("options = {top_k = 'x'}", "top_k is a whole number"),
        ("max_tokens = 0", "max_tokens"),
        ("goal = 'speed'", "goal"),
        ("stop = 'x'", "stop"),
        ("local_only = 1", "local_only"),
        ("x =", "mine.toml"),
    ],
)
def test_what_is_no_preset_is_refused(folder: Path, text: str, says: str) -> None:
    (folder / "mine.toml").write_text(text)
    with pytest.raises(AiPalError) as caught:
        presets.load_preset("mine")
    assert caught.value.code == Code.CONFIG_INVALID
    assert says in f"{caught.value.failure.message} {caught.value.failure.hint}"
    with pytest.raises(AiPalError):  # and not written over
        presets.save_fields("mine", Preset(seed=1), ())
    assert (folder / "mine.toml").read_text() == text


def test_an_unknown_one_names_the_nearest(folder: Path) -> None:
    (folder / "reviewer.toml").touch()
    with pytest.raises(AiPalError) as caught:
        presets.load_preset("reviwer")
    assert (caught.value.code, caught.value.failure.hint) == (Code.PRESET_NOT_FOUND, "did you mean reviewer?")
    with pytest.raises(AiPalError):
        presets.remove("reviwer")
    presets.remove("reviewer")
    assert presets.names() == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/../b", "a/b/c", "/a", "a/", "-x", "a b", ".hidden", "a\n"]
)
def test_a_name_stays_in_the_folder(name: str) -> None:
    with pytest.raises(AiPalError) as caught:
        presets.save_fields(name, Preset(seed=1), ())
    assert caught.value.code == Code.BAD_REQUEST


def test_a_name_may_have_an_owner_and_a_tag(folder: Path) -> None:
    presets.save_fields("me/Coder:v2", Preset(seed=2), ())
    presets.save_fields("me/coder:latest", Preset(seed=1), ())
    assert {file.name for file in folder.glob("*.toml")} == {"me%2FCoder%3Av2.toml", "me%2Fcoder.toml"}
    assert presets.names() == ["me/Coder:v2", "me/coder"]
    for name in ("me/CODER", "ME/Coder:LATEST", "registry.ollama.ai/me/coder:latest"):
        assert presets.load_preset(name) == Preset(seed=1)
    presets.save_fields("ME/CODER:V2", Preset(seed=3), ())
    assert presets.load_preset("me/Coder:v2") == Preset(seed=3)
    presets.remove("ME/coder:v2")
    assert presets.names() == ["me/coder"]


def test_what_a_person_has_touched_is_no_longer_a_programs(folder: Path) -> None:
    presets.save_fields("theirs", Preset(seed=1, made_by="api"), ())
    assert not presets.kept_by_hand("theirs")
    assert not presets.kept_by_hand("nobody")
    assert not presets.kept_by_hand("../x")
    presets.save_fields("theirs", Preset(seed=2), ())
    assert presets.kept_by_hand("theirs")
    (folder / "broken.toml").write_text("seed = ")
    assert presets.kept_by_hand("broken")
