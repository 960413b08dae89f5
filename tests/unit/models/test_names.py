"""Names from Python: repositories that the catalog knows become its entries, others stay."""

from pathlib import Path

import pytest

from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError, Code
from ai_pal.models.access import Access
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


@pytest.fixture
def access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Access:
    config = tmp_path / "config.toml"
    config.write_text(
        'model = "gw:org/of-the-setting"\n[providers.gw]\napi = "openai"\nbase_url = "http://box:1"\n'
    )
    monkeypatch.setenv("AI_PAL_CONFIG", str(config))
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    return Access()


@pytest.mark.parametrize("name", ["gw:org/x:free", "gw:/my/llms/Qwen3", "openai:gpt-4.1", ""])
def test_a_clouds_model_is_none_of_this_machine_on_any_face(access: Access, name: str) -> None:
    for ask in (access.model, access.locally):
        with pytest.raises(AiPalError, match="is no model of this machine") as caught:
            ask(name)
        assert caught.value.code == Code.BAD_REQUEST


def test_a_model_of_ollama_has_its_own_name(access: Access) -> None:
    name = "ollama:hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M"
    assert access.locally(name)["model"] == name


def test_the_router_is_given_names_as_they_are_and_paths_from_here(access: Access) -> None:
    assert access.anywhere("gw:org/x:free") == "gw:org/x:free"
    assert access.anywhere("./x.gguf") == str(Path.cwd() / "x.gguf")
    assert access.anywhere("") == ""
