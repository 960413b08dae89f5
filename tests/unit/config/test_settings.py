"""The settings themselves: every one described, and the page of settings up to date."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import fields

from ai_pal.config import Settings, load_settings
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.describe import markdown_table, rows
from ai_pal.config.kinds import meta_of
from ai_pal.config.load import LoadedSettings
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.config.settings import TABLE, TABLES
from ai_pal.config.tables import OllamaSettings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("struct", [Settings, *TABLE.values(), *TABLES.values()])
def test_every_setting_says_what_it_means(struct: type[Settings]) -> None:
    assert all((meta_of(info).description or "").endswith(".") for info in fields(struct))


@pytest.mark.parametrize("struct", [Settings, *TABLE.values(), *TABLES.values()])
def test_the_page_of_settings_is_up_to_date(struct: type[Settings]) -> None:
    assert markdown_table(struct) in PAGE.read_text(), "take over markdown_table() into docs/settings.md"


PATTERNED: list[tuple[type[msgspec.Struct], str, str]] = [
    (Settings, "device", "cpu"),
    (MachineSettings, "ssh", "me@box"),
    (MachineSettings, "host_key", "ssh-ed25519 AAAA"),
    (MachineSettings, "identity", "0" * 32),
    (MachineSettings, "command", "ai-pal"),
    (MachineSettings, "certificate", "AAAA"),
    (ClusterSettings, "listen", "10.0.0.1:9000"),
    (ClusterSettings, "advertise", "10.0.0.1:9000"),
]
"""Settings whose texts have a form, and one that has it."""


@pytest.mark.parametrize(("struct", "name", "value"), PATTERNED)
def test_a_newline_behind_a_value_is_part_of_it(struct: type[msgspec.Struct], name: str, value: str) -> None:
    assert getattr(msgspec.convert({name: value}, struct), name) == value
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({name: f"{value}\n"}, struct)


@pytest.mark.parametrize("struct", [Settings, *TABLE.values(), *TABLES.values()])
def test_no_pattern_ends_before_a_newline(struct: type[Settings]) -> None:
    patterns = [meta_of(info).pattern or "" for info in fields(struct)]
    assert not [one for one in patterns if one.endswith("$")]


def test_rows_show_value_text_and_origin() -> None:
    shown = {row.name: row for row in rows(load_settings({"keep_alive": "10m"}, {"HOME": "/home/me"}))}
    assert (shown["keep_alive"].value, shown["keep_alive"].text) == (600.0, "10m")
    assert shown["keep_alive"].origin == "--keep-alive"
    assert shown["local_only"].text == "false"


def test_a_password_in_a_url_is_shown_to_nobody() -> None:
    url = "http://user:secret@gateway:8080/v1"
    shown = rows(LoadedSettings(Settings(ollama=OllamaSettings(base_url=url)), {}))
    [row] = [row for row in shown if row.name == "ollama.base_url"]
    assert (row.text, row.value) == ("http://user:***@gateway:8080/v1",) * 2
    assert not any("secret" in f"{row.text}{row.value}" for row in shown)
