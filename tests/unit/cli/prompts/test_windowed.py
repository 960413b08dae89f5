"""`--context N` and `NAME?context=N`: judged before anything is loaded."""

import pytest

from ai_pal.cli.prompts.windowed import windowed
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code
from tests import tiny_gguf


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_gguf.save(tmp_path_factory.mktemp("g") / "m.gguf", "sentencepiece"))


@pytest.mark.parametrize(
    ("options", "tokens", "words"),
    [
        ("", 99_999_999, "larger than that of"),
        ("?context=99999999", None, "larger than that of"),
        ("?context=0", None, "not a whole number of 1 or more"),
        ("?context=many", None, "not a whole number of 1 or more"),
        ("?context=99999999999", None, "is more than"),
    ],
)
def test_a_window_that_cannot_be_is_wrong_usage(
    options: str, tokens: int | None, words: str, model: str
) -> None:
    with pytest.raises(AiPalError) as refused:
        windowed(model + options, tokens, Settings())
    assert refused.value.code == Code.BAD_REQUEST
    assert words in refused.value.failure.message


def test_one_that_can_be_is_part_of_the_reference(model: str) -> None:
    assert windowed(model, 64, Settings()) == f"{model}?context=64"
    assert windowed(f"{model}?context=32", None, Settings()) == f"{model}?context=32"
    assert windowed("openai:gpt-4?context=0", None, Settings()) == "openai:gpt-4?context=0"
    assert windowed("echo?slots=2", None, Settings()) == "echo?slots=2"
    with pytest.raises(AiPalError, match="its provider's window"):
        windowed("openai:gpt-4", 64, Settings())
