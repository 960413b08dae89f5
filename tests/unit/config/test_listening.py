"""Where `ai-pal serve` listens and whom it lets ask, as settings say it."""

from pathlib import Path

import pytest

from ai_pal.config import load_settings
from ai_pal.config.listening import Address, listens_at
from ai_pal.errors import AiPalError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:11434", Address("127.0.0.1", 11434)),
        ("[::1]:0", Address("::1", 0)),
        ("localhost:80", Address("localhost", 80)),
        ("/run/user/1000/ai-pal.sock", Path("/run/user/1000/ai-pal.sock")),
    ],
)
def test_places(text: str, place: Address | Path) -> None:
    assert listens_at(text) == place


@pytest.mark.parametrize("text", ["", "127.0.0.1", ":80", "11435", "me@host:80", "host:80/x", "host:99999"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="is no place"):
        listens_at(text)


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("AI_PAL_HTTP_LISTEN", "here", "is no place"),
        ("AI_PAL_HTTP_HOSTS", "a.example,*", "'*' is no host name"),
        ("AI_PAL_HTTP_HOSTS", "a.example:80", "is no host name"),
        ("AI_PAL_HTTP_ORIGINS", "https://", "every page of the web"),
        ("AI_PAL_HTTP_ORIGINS", "null", "is no origin"),
        ("AI_PAL_HTTP_ORIGINS", "https://a.example/", "is no origin"),
        ("AI_PAL_HTTP_ORIGINS", "https://*.example", "is no origin"),
    ],
)
def test_what_would_let_in_nobody_or_everybody_is_refused(variable: str, text: str, said: str) -> None:
    with pytest.raises(AiPalError, match=said) as refused:
        load_settings(environ={"HOME": "/home/me", variable: text})
    assert variable in str(refused.value)


def test_lists_in_variables_are_separated_by_commas() -> None:
    environ = {"HOME": "/home/me", "AI_PAL_HTTP_ORIGINS": "app://obsidian.md, tauri://"}
    assert load_settings(environ=environ).settings.http.origins == ("app://obsidian.md", "tauri://")
