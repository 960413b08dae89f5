"""Names from Python: repositories that the catalog knows become its entries, others stay."""

from pathlib import Path

import pytest

from ai_pal.config import ModelSettings, Settings
from ai_pal.models.names import reference

CWD = Path("/somewhere")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("microsoft/phi-2", "phi-2"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "tinyllama"),
        ("meta-llama/Llama-3.2-3B-Instruct", "llama3.2"),
        ("microsoft/phi-2:4bit", "phi-2:4bit"),
        ("microsoft/phi-2?threads=2", "phi-2?threads=2"),
        ("microsoft/phi-2@main", "microsoft/phi-2@main"),
        ("microsoft/phi-2:Q2_K", "microsoft/phi-2:Q2_K"),
        ("somebody/else", "somebody/else"),
        ("phi-2", "phi-2"),
        ("echo?slots=4", "echo?slots=4"),
        ("./model.gguf", "/somewhere/model.gguf"),
    ],
)
def test_a_name_becomes_a_reference(name: str, expected: str) -> None:
    assert reference(name, Settings(), CWD) == expected


def test_a_repository_with_settings_of_its_own_stays() -> None:
    settings = Settings(models={"microsoft/phi-2": ModelSettings(threads=2)})
    assert reference("microsoft/phi-2", settings, CWD) == "microsoft/phi-2"
