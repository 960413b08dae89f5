"""Adapters by their names, and which of them can belong to a model."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError
from ai_pal.formats.adapters import Adapter, absolute, adapter_of, adapters_in, check
from tests import lora, tiny_gguf


@pytest.mark.parametrize(
    ("text", "path", "scale"),
    [
        ("/a.gguf", "/a.gguf", 1.0),
        ("/a.gguf=0.5", "/a.gguf", 0.5),
        ("/a.gguf=-1", "/a.gguf", -1.0),
        ("/a=b.gguf", "/a=b.gguf", 1.0),
        ("/a=0.5=1", "/a=0.5", 1.0),
        ("/a=nan", "/a=nan", 1.0),
        ("=2", "=2", 1.0),
    ],
)
def test_what_is_behind_the_last_equals_sign_is_the_scale_if_it_is_a_number(
    text: str, path: str, scale: float
) -> None:
    found = adapter_of(text)
    assert found == Adapter(Path(path), scale)
    assert adapter_of(found.text) == found


def test_a_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert absolute("x/../a.gguf=0.50", str(tmp_path)) == f"{tmp_path}/a.gguf=0.5"
    assert absolute("p/adapter_model.safetensors", str(tmp_path)) == f"{tmp_path}/p"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute("~/a.gguf") == f"{tmp_path}/a.gguf"


def test_options_name_one_or_several() -> None:
    assert adapters_in({"lora": "/a=2"}) == adapters_in({"lora": ["/a=2"]}) == [Adapter(Path("/a"), 2.0)]
    assert adapters_in({}) == adapters_in({"lora": ""}) == []


def refused(engine: str, model: Path | str, adapter: Path | str) -> str:
    with pytest.raises(AiPalError) as error:
        check({"lora": [str(adapter)]}, engine, str(model))
    assert error.value.code == "model_invalid"
    assert error.value.failure.hint
    return error.value.failure.message


def test_llamacpp_takes_an_adapter_of_the_same_kind_of_model(tmp_path: Path) -> None:
    model = tiny_gguf.save(tmp_path / "m.gguf", "bytes")
    adapter, other = lora.save_gguf(tmp_path / "a.gguf"), tmp_path / "o.gguf"
    check({"lora": [f"{adapter}=0.5"]}, "llamacpp", str(model))
    check({"lora": [str(adapter)]}, "llamacpp", "")
    assert "for a model of the kind phi3" in refused(
        "llamacpp", model, lora.save_gguf(other, architecture="phi3")
    )
    assert "is a whole model, not an adapter" in refused("llamacpp", model, model)
    other.write_bytes(adapter.read_bytes()[:2048])
    assert "ends too early" in refused("llamacpp", model, other)
    other.write_bytes(b"junk" * 1000)
    assert "is not a GGUF" in refused("llamacpp", model, other)
    assert "is a folder" in refused("llamacpp", model, tmp_path)


def test_transformers_takes_a_folder_of_peft(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    assert "no adapter_config.json" in refused("transformers", "/m", folder)
    (folder / "adapter_config.json").write_text("{")
    assert "cannot be read" in refused("transformers", "/m", folder)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.bin").touch()
    assert "no adapter_model.safetensors" in refused("transformers", "/m", folder)
    (folder / "adapter_model.safetensors").touch()
    check({"lora": [str(folder)]}, "transformers", "/m")
    assert "is a file" in refused("transformers", "/m", folder / "adapter_model.bin")


@pytest.mark.parametrize("engine", ["llamacpp", "transformers"])
def test_what_is_not_there_is_said(engine: str) -> None:
    assert "there is no adapter /nowhere" in refused(engine, "/m", "/nowhere")
    assert "is a relative path" in refused(engine, "/m", "a.gguf")


def test_a_strength_that_is_no_number_is_told_from_a_name(tmp_path: Path) -> None:
    (file := tmp_path / "a.gguf").touch()
    with pytest.raises(AiPalError) as error:
        check({"lora": [f"{file}=strong"]}, "llamacpp", "/m")
    assert "a number and not 'strong'" in error.value.failure.hint


def test_echo_has_no_weights(tmp_path: Path) -> None:
    with pytest.raises(AiPalError) as error:
        check({"lora": [str(tmp_path)]}, "echo", "")
    assert error.value.code == "unsupported"
    assert "no weights" in error.value.failure.message
