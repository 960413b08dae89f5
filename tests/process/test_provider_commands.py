"""`ai-pal keys` and `ai-pal consent`: what is asked, remembered and never shown."""

import json
from pathlib import Path

import pytest

from tests.process.command import ai_pal
from tests.process.eventually import files_below
from tests.process.homes import Environ
from tests.process.screen import Terminal

KEY = "sk-canary-5f0d"


@pytest.fixture
def vault(home: Environ) -> Environ:
    """A home whose system keyring is a file."""
    return home | {"PYTHON_KEYRING_BACKEND": "tests.process.file_keyring.FileKeyring"}


def listed(environ: Environ, provider: str) -> dict[str, object]:
    rows = json.loads(ai_pal(environ, "keys", "list", "--json").stdout)["providers"]
    return next(row for row in rows if row["provider"] == provider)


def files_with(environ: Environ, text: str) -> list[str]:
    home = Path(environ["HOME"])
    return [str(path.relative_to(home)) for path in files_below(home) if text in path.read_text("latin-1")]


def test_a_key_goes_from_stdin_into_the_keyring_and_nowhere_else(vault: Environ) -> None:
    done = ai_pal(vault, "keys", "set", "openai", stdin=f"{KEY}\n")
    assert (done.returncode, KEY in done.stdout + done.stderr) == (0, False)
    assert files_with(vault, KEY) == ["keyring.json"]
    row = listed(vault, "openai")
    assert (row["key"], row["place"], row["may_be_used"]) == ("keyring", "system keyring", True)
    assert ai_pal(vault, "keys", "rm", "openai", "--yes").returncode == 0
    assert files_with(vault, KEY) == []
    assert listed(vault, "openai")["key"] == ""
    assert "no_key" in ai_pal(vault, "keys", "rm", "openai", "-y").stderr


def test_a_key_typed_in_a_terminal_is_not_shown(vault: Environ) -> None:
    with Terminal(["keys", "set", "anthropic"], vault) as terminal:
        terminal.wait_for("not shown")
        terminal.enter(KEY)
        assert terminal.exit_code() == 0
    assert KEY.encode() not in terminal.raw
    assert files_with(vault, KEY) == ["keyring.json"]


def test_keys_alone_lists_them(vault: Environ) -> None:
    assert ai_pal(vault, "keys").stdout == ai_pal(vault, "keys", "list").stdout != ""


@pytest.mark.parametrize("text", ["", "two words", "a\x1b[0m"])
def test_what_is_no_key_is_refused_and_not_repeated(vault: Environ, text: str) -> None:
    done = ai_pal(vault, "keys", "set", "openai", stdin=text)
    assert done.returncode == 2
    assert not text or text not in done.stderr
    assert not (Path(vault["HOME"]) / "providers.json").exists()


def test_without_a_keyring_the_way_out_is_told(home: Environ) -> None:
    none = home | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = ai_pal(none, "keys", "set", "cohere", stdin=KEY)
    assert done.returncode == 1
    assert "keyring_missing" in done.stderr
    assert "COHERE_API_KEY" in done.stderr
    assert KEY not in done.stderr


def test_consent_is_given_revoked_and_shown(home: Environ) -> None:
    home = home | {"OPENAI_API_KEY": KEY}
    assert not listed(home, "openai")["may_be_used"]
    assert ai_pal(home, "consent", "openai").stdout == "prompts may go to openai\n"
    assert listed(home, "openai")["may_be_used"]
    assert ai_pal(home, "consent", "openai", "--revoke").stdout == "prompts do not go to openai\n"
    assert not listed(home, "openai")["may_be_used"]
    assert ai_pal(home, "consent", "nobody").returncode == 2
    assert files_with(home, KEY) == []


def test_a_key_in_the_config_is_a_yes_and_shown_nowhere(home: Environ) -> None:
    config = Path(home["HOME"]) / "config.toml"
    config.write_text(f'[providers.openai]\napi_key = "{KEY}"\n')
    home = home | {"AI_PAL_CONFIG": str(config)}
    assert listed(home, "openai")["place"] == "config file"
    assert listed(home, "openai")["may_be_used"]
    for command in (["config", "show"], ["config", "show", "--json"], ["keys", "list"], ["doctor", "--json"]):
        done = ai_pal(home, *command)
        assert done.stdout
        assert KEY not in done.stdout + done.stderr
    assert ai_pal(home, "chat", "hello").stdout == "hello \n"
    assert files_with(home, KEY) == ["config.toml"]


def asked(environ: Environ, answer: str) -> str:
    """What the terminal shows when the question is answered so, and the conversation left. A better model was
    offered before."""
    (Path(environ["AI_PAL_HOME"]) / "offer.json").write_text('{"model": "", "agreed": false}')
    with Terminal(["chat"], environ | {"AI_PAL_MODEL": ""}) as terminal:
        terminal.wait_for(r"\[y/N\]")
        terminal.enter(answer)
        terminal.wait_for_prompt()
        terminal.send("\x04")
        assert terminal.exit_code() == 0
        return terminal.text


@pytest.mark.parametrize(("answer", "agreed"), [("", False), ("y", True)])
def test_a_found_key_is_asked_about_once_and_enter_is_no(home: Environ, answer: str, agreed: bool) -> None:
    home = home | {"OPENAI_API_KEY": KEY}
    text = asked(home, answer)
    assert "OPENAI_API_KEY is set" in text
    assert "Where: openai's own servers" in text
    assert KEY not in text
    assert (listed(home, "openai")["decided"], listed(home, "openai")["may_be_used"]) == (agreed, agreed)
    with Terminal(["chat"], home | {"AI_PAL_MODEL": ""}) as again:
        again.wait_for_prompt()
        assert "[y/N]" not in again.text


def test_nothing_is_asked_where_nothing_may_leave(home: Environ) -> None:
    home = home | {"OPENAI_API_KEY": KEY, "AI_PAL_LOCAL_ONLY": "true", "AI_PAL_MODEL": ""}
    with Terminal(["chat"], home) as terminal:
        terminal.wait_for_prompt()
        assert "[y/N]" not in terminal.text
