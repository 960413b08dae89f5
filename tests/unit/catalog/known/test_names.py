"""How models of today are called, and which of a family is meant."""

from pathlib import Path

import pytest

from ai_pal.catalog import CATALOG, Capacity, Found, default_model, find
from ai_pal.catalog.inventory.fitting import fit
from ai_pal.catalog.inventory.listed import inventory
from ai_pal.catalog.known.families import FAMILIES
from ai_pal.catalog.weights.ggufs import gguf_file, projector, quants
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.wanted import HubFiles

GB = 1_000_000_000
ENGINES = frozenset({"llamacpp", "transformers"})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    return Settings(model_cache_dir=str(tmp_path / "models"))


def found(name: str, settings: Settings, free: float = 8) -> Found:
    return find(name, settings, Capacity(int(free * GB), ENGINES))


def lay(settings: Settings, repo: str, *names: str) -> None:
    """Files of a repository, as a pull leaves them."""
    snapshot = Path(settings.model_cache_dir) / f"models--{repo.replace('/', '--')}/snapshots/{'a' * 40}"
    snapshot.mkdir(parents=True, exist_ok=True)
    for name in names:
        (snapshot / name).write_bytes(b"GGUF\x03\0\0\0")


@pytest.mark.parametrize(
    ("name", "repo", "gguf"),
    [
        ("qwen3.5:4b", "unsloth/Qwen3.5-4B-GGUF", "Q4_K_XL"),
        ("qwen3.5:4b:q8_0", "unsloth/Qwen3.5-4B-GGUF", "q8_0"),
        ("glm-4.7-flash", "unsloth/GLM-4.7-Flash-GGUF", "Q4_K_M"),
        ("glm-4.7-flash:q8_0", "unsloth/GLM-4.7-Flash-GGUF", "q8_0"),
        ("qwen3:4b-2507", "unsloth/Qwen3-4B-Instruct-2507-GGUF", "Q4_K_M"),
    ],
)
def test_a_name_with_a_size_and_a_quantization(name: str, repo: str, gguf: str, settings: Settings) -> None:
    wanted = found(name, settings).wanted
    assert isinstance(wanted, HubFiles)
    assert (wanted.repo, wanted.gguf) == (repo, gguf)


def test_a_size_of_a_quantization_is_reckoned_by_its_bits(settings: Settings) -> None:
    assert found("qwen3.5:4b:q8_0", settings).size == pytest.approx(4.3 * GB, rel=0.02)


def test_a_model_with_and_without_its_size_is_one_model(settings: Settings) -> None:
    assert found("llama3.2:3b", settings).name == found("llama3.2", settings).name == "llama3.2"
    assert found("smollm2:135m", settings).name == "smollm2"


@pytest.mark.parametrize(("free", "name"), [(64, "qwen3.5:9b"), (8, "qwen3.5:4b"), (0.1, "qwen3.5:0.8b")])
def test_a_family_is_its_largest_that_fits(free: float, name: str, settings: Settings) -> None:
    meant = found("qwen3.5", settings, free)
    assert meant.name == name
    assert name in meant.reason


def test_of_a_family_what_is_here_comes_first(settings: Settings) -> None:
    lay(settings, "unsloth/Qwen3.5-2B-GGUF", "Qwen3.5-2B-Q8_0.gguf")
    meant = found("qwen3.5", settings)
    assert (meant.name, Path(meant.path).name) == ("qwen3.5:2b", "Qwen3.5-2B-Q8_0.gguf")


def test_an_alias_of_a_family_keeps_its_name(settings: Settings) -> None:
    own = Settings(
        model_cache_dir=settings.model_cache_dir, models={"coder": ModelSettings(model="qwen2.5-coder")}
    )
    assert found("coder", own).name == "coder"


def test_a_known_name_that_the_user_gave_to_another_leaves_the_starter_its_longer_one(
    settings: Settings,
) -> None:
    own = Settings(model_cache_dir=settings.model_cache_dir, models={"smollm2": ModelSettings(model="phi-3")})
    assert default_model(own) == "smollm2:135m"
    assert found("smollm2:135m", own).name == "smollm2:135m"
    assert (found("smollm2", own).name, found("smollm2", own).wanted) == (
        "smollm2",
        found("phi-3", own).wanted,
    )
    listed = {model.name: model.source for model in inventory(own)}
    assert listed["smollm2"] == "alias of phi-3"
    assert listed["smollm2:135m"].startswith("package ")


@pytest.mark.parametrize("name", ["qwen3.5:4b:nonsense", "qwen3.5:77b", "qwen3.5:4b:q9"])
def test_what_there_is_not_brings_what_there_is(name: str, settings: Settings) -> None:
    with pytest.raises(AiPalError) as caught:
        found(name, settings)
    assert caught.value.code == Code.MODEL_NOT_FOUND
    assert "qwen3.5:" in str(caught.value.failure.hint) or "q4_k_xl" in caught.value.failure.hint


def test_every_member_of_a_family_is_known() -> None:
    for members in FAMILIES.values():
        assert set(members) <= set(CATALOG)


@pytest.mark.parametrize(
    ("there", "wanted", "taken"),
    [
        (["a-Q4_K_M.gguf", "a-Q8_0.gguf"], "Q4_K_XL", "a-Q4_K_M.gguf"),
        (["a-Q8_0.gguf", "a-Q3_K_M.gguf", "a-BF16.gguf"], "Q4_K_M", "a-Q8_0.gguf"),
        (["a-Q2_K.gguf", "a-IQ3_XS.gguf"], "Q4_K_M", "a-IQ3_XS.gguf"),
        (["gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b-F16.gguf"], "MXFP4", "gpt-oss-20b-mxfp4.gguf"),
        (["a-Q4_K_M.gguf", "a-UD-Q4_K_XL.gguf", "mmproj-F16.gguf"], "Q4_K_XL", "a-UD-Q4_K_XL.gguf"),
    ],
)
def test_a_quantization_that_is_not_there_gives_way_to_the_nearest(
    there: list[str], wanted: str, taken: str
) -> None:
    assert gguf_file(there, wanted, "org/a", nearest=True) == taken


def test_the_nearest_is_taken_only_where_that_is_allowed() -> None:
    with pytest.raises(AiPalError):
        gguf_file(["a-Q8_0.gguf"], "Q4_K_M", "org/a")


def test_a_projector_is_no_model_and_the_one_of_16_bits_is_taken() -> None:
    names = ["mmproj-F32.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", "a-Q8_0.gguf"]
    assert quants(names) == ["Q8_0"]
    assert projector(names) == "mmproj-F16.gguf"
    assert projector(["mmproj-a-Q8_0.gguf"]) == "mmproj-a-Q8_0.gguf"
    assert projector(["a-Q8_0.gguf"]) is None


@pytest.mark.parametrize(("memory", "expected"), [(4, "now"), (10, "alone"), (13, "never")])
def test_what_fits(memory: int, expected: str) -> None:
    assert fit(memory * GB, 5 * GB, 16 * GB) == expected
