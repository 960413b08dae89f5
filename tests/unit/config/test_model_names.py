"""Names of the user's own for models, with owner and tag as Ollama has them: no path, no provider's."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_pal.catalog.references.text import is_path, split
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.model_names import checked_name, is_name, short
from ai_pal.errors import AiPalError

PROVIDERS = ("openai", "box")


@pytest.mark.parametrize(
    "name", ["mine", "mine:v1", "me/mine", "me/mine:v2.1-q8_0", "me_2/m.x", "Größe", "2"]
)
def test_it_may_have_an_owner_and_a_tag(name: str) -> None:
    assert checked_name(name, PROVIDERS) == name
    assert checked_name(f"{short(name)}:latest" if ":" not in name else name, PROVIDERS) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ":v1",
            "mine:",
            "a:b:c",
            "me/",
            "/me",
            "a/b/c",
            "../x",
            "a/..",
            "./a",
            "a b",
            "m.GGUF",
            "me/m.gguf",
        ),
        *(
            "me/m.gguf:v1",
            "mine:x.gguf",
            "me/a--b",
            "me/a..b",
            "hf.co/mine",
            "me/mine-",
            "me/größe",
            "x" * 81,
        ),
        *("auto", "list", "openai", "box:mine", "openai:gpt", "a?slots=2", "registry.ollama.ai/", "a\n"),
    ],
)
def test_what_could_mean_something_else_is_none(name: str) -> None:
    with pytest.raises(AiPalError):
        checked_name(name, PROVIDERS)


@given(st.text("aZ0_.-/:?é~g\n", max_size=12))
@example("me/mine:v2")
def test_it_is_never_taken_for_anything_else(name: str) -> None:
    if is_name(name):
        assert not is_path(name)
        assert elsewhere(name, ("a", "Z")) is None or name.partition(":")[0] in ("a", "Z")
        assert split(name).name == name
