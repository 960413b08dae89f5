"""Models that are none, through a whole supervisor: each has its code, and the others never notice."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import GenerationOptions
from tests.process.supervised import Supervised

NEIGHBOUR = "echo?id=neighbour"
FEW = GenerationOptions(max_tokens=4, temperature=0.0)
Supervise = Callable[..., Supervised]


@pytest.fixture
def nurseries() -> tuple[str, ...]:
    """Models of transformers are among them."""
    return ("transformers",)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny_models

    return tiny_models.save(tmp_path_factory.mktemp("whole") / "m", "llama", template=None)


@pytest.fixture
def client(supervise: Supervise) -> Iterator[Client]:
    """A client of a supervisor whose other model answers before and after, from the same process."""
    with supervise(spare_worker=False).client() as client:
        assert client.ask("before", model=NEIGHBOUR).text
        before = pids(client)[NEIGHBOUR]
        yield client
        assert client.ask("after", model=NEIGHBOUR).text
        assert pids(client)[NEIGHBOUR] == before


def pids(client: Client) -> dict[str, int | None]:
    return {worker.model: worker.pid for worker in client.status().workers}


def refusal(client: Client, model: object) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        client.ask("hello", model=str(model), options=FEW)
    assert caught.value.failure.hint
    return caught.value


def config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def no_model(folder: Path) -> None:
    (folder / "config.json").unlink()


def own_code(folder: Path) -> None:
    config(folder, model_type="evil", auto_map={"AutoModelForCausalLM": "evil.Model"})
    (folder / "evil.py").write_text("raise SystemExit('code of the model ran')")


def pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def truncated(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")


def unknown_class(folder: Path) -> None:
    config(folder, model_type="nobody", architectures=["NobodyForCausalLM"])


def test_folders_that_are_no_model_are_refused(client: Client, whole: Path, tmp_path: Path) -> None:
    for damage in (no_model, own_code, pickle_only, truncated, adapter, unknown_class):
        folder = Path(shutil.copytree(whole, tmp_path / damage.__name__))
        damage(folder)
        assert refusal(client, folder).code == Code.MODEL_INVALID, damage.__name__


def test_a_context_larger_than_the_models_is_refused_and_without_a_template_it_answers(
    client: Client, whole: Path
) -> None:
    too_large = refusal(client, f"{whole}?context=4096")
    assert too_large.code == Code.BAD_REQUEST
    assert "512" in too_large.failure.message
    assert client.ask("hello", model=str(whole), options=FEW).usage.completion_tokens > 0


@pytest.mark.parametrize("engine", ["llama.cpp", "transformers"])
def test_weights_that_give_no_numbers_are_refused(
    engine: str, client: Client, whole: Path, tmp_path: Path
) -> None:
    import numpy as np
    from safetensors.torch import load_file, save_file

    from tests import tiny_gguf

    if engine == "llama.cpp":
        model = tiny_gguf.save(tmp_path / "nan.gguf", "bytes", weights=lambda one: one * np.nan)
    else:
        model = Path(shutil.copytree(whole, tmp_path / "nan"))
        weights = load_file(model / "model.safetensors")
        nothing = {name: one * float("nan") for name, one in weights.items()}
        save_file(nothing, model / "model.safetensors", {"format": "pt"})
    error = refusal(client, model)
    assert (error.code, error.failure.retryable) == (Code.MODEL_INVALID, False)
    assert "the model's weights give no numbers" in error.failure.message
    assert str(model) not in pids(client)


@pytest.mark.parametrize("context", [0, 1])
def test_a_file_over_which_the_library_aborts_has_one_try_and_answers_once_it_is_mended(
    context: int, client: Client, tmp_path: Path
) -> None:
    from tests import tiny_gguf

    file = tiny_gguf.save(tmp_path / "m.gguf", "bytes", context=context)
    error = refusal(client, file)
    assert (error.code, error.failure.retryable) == (Code.MODEL_INVALID, False)
    assert "gave up while it loaded the model: " in error.failure.message
    assert all(worker.restarts == 0 for worker in client.status().workers)
    tiny_gguf.save(file, "bytes")
    assert client.ask("hello", model=str(file), options=FEW).usage.completion_tokens


def test_an_architecture_that_the_library_does_not_know_is_named_in_its_own_words(
    client: Client, tmp_path: Path
) -> None:
    from tests import tiny_gguf

    file = tiny_gguf.save(tmp_path / "m.gguf", "bytes")
    file.write_bytes(file.read_bytes().replace(b"llama", b"lxama"))
    error = refusal(client, file)
    assert error.code == Code.MODEL_INVALID
    assert "unknown model architecture: 'lxama'" in error.failure.message
    assert "update AI-PAL" in error.failure.hint


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_that_is_replaced_while_it_is_loaded_is_what_answers_next(
    kind: str, client: Client, tmp_path: Path
) -> None:
    from tests import tiny_gguf

    first, second, model = (tmp_path / name for name in ("a.gguf", "b.gguf", "m.gguf"))
    tiny_gguf.save(second, "bytes")
    if kind == "link":
        model.symlink_to(tiny_gguf.save(first, "bytes"))
    else:
        tiny_gguf.save(model, "bytes")
    assert client.ask("hello", model=str(model), options=FEW).usage.completion_tokens
    before = pids(client)[str(model)]
    assert client.ask("again", model=str(model), options=FEW).usage.completion_tokens
    assert pids(client)[str(model)] == before
    if kind == "link":
        model.unlink()
        model.symlink_to(second)
    else:
        second.replace(model)
    assert client.ask("hello", model=str(model), options=FEW).usage.completion_tokens
    assert pids(client)[str(model)] not in (before, None)
