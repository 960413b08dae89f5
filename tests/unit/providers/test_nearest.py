"""Which models are nearest to one that a provider does not have, or no longer."""

import pytest

from ai_pal.config.clouds import GENERATIONS, KNOWN, heirs
from ai_pal.providers.nearest import nearest

OPENAI = ["gpt-6-luna", "gpt-6.1-sol", "gpt-5.6-luna", "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "whisper-1"]
ANTHROPIC = ["claude-haiku-5-5", "claude-opus-5-5", "claude-opus-4-8", "claude-sonnet-5-5"]


@pytest.mark.parametrize(
    ("name", "names", "first"),
    [
        ("gpt-6-lune", OPENAI, "gpt-6-luna"),
        ("gpt-4o-mini-2024-07-18", OPENAI, "gpt-4o-mini"),
        ("gpt-4-turbo-preview", OPENAI, "gpt-4-turbo"),
        ("claude-3-opus", ANTHROPIC, "claude-opus-5-5"),
        ("claude-sonnet-4-20250514", ANTHROPIC, "claude-sonnet-5-5"),
        ("phi3", ["phi3:latest", "llama3.2:1b"], "phi3:latest"),
    ],
)
def test_the_nearest_comes_first(name: str, names: list[str], first: str) -> None:
    assert nearest(name, names)[0] == first


def test_what_is_known_to_have_followed_goes_before_mere_likeness() -> None:
    assert nearest("gpt-3.5-turbo", OPENAI)[0] == "gpt-4-turbo"
    assert nearest("gpt-3.5-turbo", OPENAI, heirs("openai", "gpt-3.5-turbo"))[:2] == [
        "gpt-6-luna",
        "gpt-5.6-luna",
    ]
    assert nearest("command", ["command-a-03-2025"], heirs("cohere", "command")) == ["command-a-03-2025"]


def test_nothing_alike_is_nothing_and_there_is_a_limit() -> None:
    assert nearest("claude-opus-5", ["whisper-1", "tts-1"]) == []
    assert nearest("gpt-4", []) == []
    assert len(nearest("gpt-4", [f"gpt-{n}" for n in range(99)], limit=3)) == 3


def test_a_line_of_generations_is_found_by_each_of_its_names() -> None:
    assert heirs("anthropic", "claude-3-opus")[0] == "claude-opus-5-5"
    assert heirs("anthropic", "claude-3-opus-20240229")[0] == "claude-opus-5-5"
    assert heirs("openai", "something-else") == heirs("ollama", "phi") == ()
    for api, (mid, strong) in GENERATIONS.items():
        assert (KNOWN[api].mid, KNOWN[api].strong) == (mid[0], strong[0])
