"""What `ai-pal doctor` says of the models in the settings."""

from pathlib import Path

from ai_pal.cli.setup.doctor.models import own_models
from ai_pal.config import ModelSettings, Settings


def states(folder: Path, **models: ModelSettings) -> dict[str, str]:
    found = own_models(Settings(models=models, model_cache_dir=str(folder)))
    return {finding.check: finding.state for finding in found}


def test_what_is_only_not_here_is_not_wrong(tmp_path: Path) -> None:
    known = {"llama3.2": ModelSettings(context=4096), "three": ModelSettings(model="phi-3")}
    assert states(tmp_path, **known) == {"model llama3.2": "warn", "model three": "warn"}


def test_an_alias_of_a_providers_model_is_fine(tmp_path: Path) -> None:
    assert states(tmp_path, gpt=ModelSettings(model="openai:gpt-4.1")) == {}


def test_a_file_that_is_gone_and_a_table_of_nothing_are_wrong(tmp_path: Path) -> None:
    gone = ModelSettings(path=str(tmp_path / "gone.gguf"))
    settings = Settings(models={"gone": gone, "foo": ModelSettings(slots=2)}, model_cache_dir=str(tmp_path))
    found = {finding.check: finding for finding in own_models(settings)}
    assert [one.state for one in found.values()] == ["fail", "fail"]
    assert "[models.foo] names neither" in found["model foo"].mend
