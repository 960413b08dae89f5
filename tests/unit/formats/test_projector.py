"""What a GGUF model sees with: found beside it or by its name, and only where it fits."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError
from ai_pal.formats.gguf import read_header
from ai_pal.formats.projector import OFF, misfit, projector_of
from tests import projectors
from tests.gguf_files import gguf

WIDTH = 64
MODEL = {"general.architecture": "llama", "llama.embedding_length": WIDTH}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(MODEL, []))
    return path


def found(model: Path, named: str = "") -> Path | None:
    projector = projector_of(model, read_header(model), named)
    return projector.path if projector is not None else None


def test_the_one_beside_the_model_is_taken_if_it_fits(model: Path) -> None:
    assert found(model) is None
    eye = projectors.save(model.with_name("mmproj-m.gguf"), width=WIDTH)
    assert found(model) == eye
    assert found(model, OFF) is None
    projectors.save(eye, width=2 * WIDTH)
    assert found(model) is None


def test_several_beside_it_are_left_alone_and_one_is_named(model: Path) -> None:
    eyes = [projectors.save(model.with_name(f"mmproj-{n}.gguf"), width=WIDTH) for n in range(2)]
    assert found(model) is None
    assert found(model, str(eyes[1])) == eyes[1]


def test_a_damaged_one_beside_the_model_is_left_alone_and_refused_by_its_name(model: Path) -> None:
    eye = model.with_name("mmproj.gguf")
    eye.write_bytes(b"GGUF" + bytes(4000))
    assert found(model) is None
    with pytest.raises(AiPalError, match="GGUF version"):
        found(model, str(eye))
    with pytest.raises(AiPalError, match="is no projector"):
        found(model, str(model))
    with pytest.raises(AiPalError, match="there is no projector"):
        found(model, str(model.parent))


def test_a_model_that_turns_texts_into_vectors_sees_nothing(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(gguf({"general.architecture": "bert", "bert.embedding_length": WIDTH}, []))
    projectors.save(tmp_path / "mmproj-m.gguf", width=WIDTH)
    assert found(model) is None


@pytest.mark.parametrize("kind", ["mlp", "gemma3", "idefics3", "ultravox"])
def test_its_header_says_what_it_is(tmp_path: Path, kind: str) -> None:
    header = read_header(projectors.save(tmp_path / "eye.gguf", kind, WIDTH))
    assert (header.architecture, header.projector, header.width) == ("clip", kind, WIDTH)
    pieces = 1500 if kind == "ultravox" else (projectors.IMAGE // projectors.PATCH) ** 2
    assert header.working == 12 * pieces * (projectors.EMBEDDING + projectors.HIDDEN)


def test_an_old_one_says_another_number_and_is_tried(model: Path) -> None:
    """LLaVA's first converter wrote there what CLIP projects to."""
    old = {
        "general.architecture": "clip",
        "clip.has_llava_projector": 1,
        "clip.projector_type": "mlp",
        "clip.vision.projection_dim": 768,
    }
    eye = model.with_name("mmproj-m.gguf")
    eye.write_bytes(gguf(old, []))
    assert misfit(read_header(model), read_header(eye)) == ""
    assert found(model) == eye
