"""Who may be asked: where keys are, what was agreed to, and that neither is lost or leaks."""

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import PasswordDeleteError

from ai_pal.config import paths
from ai_pal.config.provider_access import (
    Access,
    Source,
    consented,
    key_hint,
    key_source,
    read_access,
    remember,
    variables,
)
from ai_pal.config.provider_keys import forget_key, read_key, store_key
from ai_pal.errors import AiPalError, Code

SECRET = "sk-canary-7c1e"


class Vault(KeyringBackend):  # type: ignore[misc]
    """A keyring in memory, through the real package."""

    priority = 1.0

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def vault() -> Iterator[Vault]:
    before = keyring.get_keyring()
    keyring.set_keyring(made := Vault())
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"AI_PAL_HOME": str(tmp_path / "home"), "AI_PAL_CONFIG": str(tmp_path / "config.toml")}


def write_config(environ: dict[str, str], text: str) -> None:
    Path(environ["AI_PAL_CONFIG"]).write_text(text)


def test_known_providers_use_the_variables_that_people_have_set() -> None:
    assert variables("openai") == ("AI_PAL_KEY_OPENAI", "OPENAI_API_KEY")
    assert variables("cohere") == ("AI_PAL_KEY_COHERE", "CO_API_KEY", "COHERE_API_KEY")
    assert variables("my-gateway") == ("AI_PAL_KEY_MY_GATEWAY",)


def test_who_lacks_a_key_hears_of_the_keyring_and_of_the_variable() -> None:
    command = "ai-pal keys set"
    assert key_hint("openai") == f"set one: {command} openai; without a keyring: export OPENAI_API_KEY=..."
    assert key_hint("mine").endswith("keyring: export AI_PAL_KEY_MINE=...")


@pytest.mark.parametrize(
    ("given", "in_config", "in_keyring", "source"),
    [
        ({"OPENAI_API_KEY": SECRET}, True, True, "config"),
        ({"OPENAI_API_KEY": SECRET}, False, True, "keyring"),
        ({"OPENAI_API_KEY": SECRET}, False, False, "environment"),
        ({"OPENAI_API_KEY": " "}, False, False, ""),
        ({}, False, True, "keyring"),
        ({"ANTHROPIC_API_KEY": SECRET}, False, False, ""),
    ],
)
def test_a_key_that_was_given_comes_before_one_that_lies_around(
    given: dict[str, str], in_config: bool, in_keyring: bool, source: Source
) -> None:
    assert key_source("openai", given, in_config=in_config, in_keyring=in_keyring) == source


@pytest.mark.parametrize(
    ("decided", "setting", "source", "own_server", "may"),
    [
        (None, None, "environment", False, False),
        (None, None, "environment", True, False),  # a key that lies around is not for one's own server
        (None, None, "", True, True),
        (None, None, "", False, False),
        (True, None, "environment", False, True),
        (None, True, "environment", False, True),
        (None, None, "config", False, True),
        (None, None, "keyring", False, True),
        (False, None, "keyring", False, False),
        (False, None, "", True, False),
        (False, True, "config", False, False),
        (True, False, "keyring", False, False),
    ],
)
def test_a_no_counts_wherever_it_was_said_and_silence_is_no_yes(
    decided: bool | None, setting: bool | None, source: Source, own_server: bool, may: bool
) -> None:
    assert consented(decided, setting, source=source, own_server=own_server) is may


def test_the_key_is_read_from_where_it_lies(environ: dict[str, str], vault: Vault) -> None:
    assert read_key("openai", environ) == (None, "")
    around = environ | {"OPENAI_API_KEY": f" {SECRET}\n"}
    assert read_key("openai", around) == (SECRET, "environment")
    store_key("openai", "from the keyring")
    assert read_key("openai", environ) == (None, "")  # the keyring is asked only for what was put there
    remember("openai", environ, keyring=True)
    assert read_key("openai", environ) == ("from the keyring", "keyring")
    write_config(environ, '[providers.openai]\napi_key = "from the file"\n')
    assert read_key("openai", environ) == ("from the file", "config")
    assert read_key("openai", around) == ("from the file", "config")


def test_a_key_behind_a_byte_order_mark_is_found(environ: dict[str, str]) -> None:
    write_config(environ, '\ufeff[providers.openai]\napi_key = "from Windows"\n')
    assert read_key("openai", environ) == ("from Windows", "config")


@pytest.mark.parametrize(
    "text", ["", "nonsense = ", "providers = 1", "[providers]\nopenai = 1", "[providers.openai]\napi_key = 1"]
)
def test_a_config_without_a_usable_key_gives_none(environ: dict[str, str], text: str) -> None:
    write_config(environ, text)
    assert read_key("openai", environ) == (None, "")


def test_a_key_is_forgotten_once(vault: Vault) -> None:
    store_key("openai", SECRET)
    assert forget_key("openai")
    assert not forget_key("openai")
    assert vault.held == {}


def test_without_a_keyring_the_environment_is_named(environ: dict[str, str]) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        with pytest.raises(AiPalError) as refused:
            store_key("openai", SECRET)
    finally:
        keyring.set_keyring(before)
    assert refused.value.code == Code.KEYRING_MISSING
    assert "OPENAI_API_KEY" in refused.value.failure.hint
    assert SECRET not in repr(refused.value.failure)


def test_a_decision_is_remembered_for_the_owner_only(environ: dict[str, str]) -> None:
    assert remember("openai", environ, consent=True) == Access(consent=True, changed=1)
    assert remember("openai", environ, keyring=True) == Access(keyring=True, consent=True, changed=2)
    remember("cohere", environ, consent=False)
    file = paths.providers_file(environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "cohere": {"consent": False, "changed": 1},
        "openai": {"consent": True, "keyring": True, "changed": 2},
    }
    assert [path.name for path in file.parent.iterdir()] == ["providers.json"]


def test_changes_at_the_same_time_are_all_kept(environ: dict[str, str]) -> None:
    names = [f"provider{number}" for number in range(16)]
    threads = [
        threading.Thread(target=remember, args=(name, environ), kwargs={"consent": True}) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(read_access(environ)) == sorted(names)


def test_a_damaged_file_is_no_yes(environ: dict[str, str]) -> None:
    remember("openai", environ, consent=False)
    paths.providers_file(environ).write_text('{"openai": {"consent": fal')
    with pytest.raises(AiPalError) as refused:
        read_access(environ)
    assert refused.value.code == Code.FILE_UNREADABLE
