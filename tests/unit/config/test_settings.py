"""The settings themselves: every one described, and the page of settings up to date."""

from pathlib import Path

import pytest
from msgspec.structs import fields, replace

from ai_pal.config import ModelSettings, Settings, digest, load_settings
from ai_pal.config.describe import markdown_table, rows
from ai_pal.config.load import Loaded
from ai_pal.config.settings import TABLE, TABLES, meta_of
from ai_pal.config.tables import OllamaSettings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.mark.parametrize("struct", [Settings, *TABLE.values(), *TABLES.values()])
def test_every_setting_says_what_it_means(struct: type[Settings]) -> None:
    assert all((meta_of(info).description or "").endswith(".") for info in fields(struct))


@pytest.mark.parametrize("struct", [Settings, *TABLE.values(), *TABLES.values()])
def test_the_page_of_settings_is_up_to_date(struct: type[Settings]) -> None:
    assert markdown_table(struct) in PAGE.read_text(), "take over markdown_table() into docs/settings.md"


def test_equal_settings_have_equal_digests() -> None:
    assert digest(Settings()) == digest(Settings())


def test_any_difference_changes_the_digest() -> None:
    other = replace(Settings(), models={"smollm2": ModelSettings(slots=2)})
    assert digest(other) != digest(Settings())


def test_another_ollama_server_changes_the_digest() -> None:
    here, there = {"OLLAMA_HOST": "127.0.0.1"}, {"OLLAMA_HOST": "10.0.0.7"}
    assert len({digest(Settings(), environ) for environ in ({}, here, there)}) == 3


def test_an_address_in_the_settings_is_the_one_that_counts() -> None:
    said = Settings(ollama=OllamaSettings(base_url="http://box:11434"))
    assert digest(said, {"OLLAMA_HOST": "10.0.0.7"}) == digest(said, {})


def test_rows_show_value_text_and_origin() -> None:
    shown = {row.name: row for row in rows(load_settings({"keep_alive": "10m"}, {"HOME": "/home/me"}))}
    assert (shown["keep_alive"].value, shown["keep_alive"].text) == (600.0, "10m")
    assert shown["keep_alive"].origin == "--keep-alive"
    assert shown["local_only"].text == "false"


def test_a_password_in_a_url_is_shown_to_nobody() -> None:
    url = "http://user:secret@gateway:8080/v1"
    shown = rows(Loaded(Settings(ollama=OllamaSettings(base_url=url)), {}))
    [row] = [row for row in shown if row.name == "ollama.base_url"]
    assert (row.text, row.value) == ("http://user:***@gateway:8080/v1",) * 2
    assert not any("secret" in f"{row.text}{row.value}" for row in shown)
