"""Folders that are no model, not whole, or want what they must not have: each its own clear error."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol.options import GenerationOptions
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Loaded

SAFETENSORS = "model.safetensors"
CANARY = "import pathlib\npathlib.Path(r'{}').write_text('code of the model ran')\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("whole") / "m", "llama")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "m"))


def refusal(folder: Path, context: int = 0, **options: Any) -> Failure:
    with pytest.raises(AiPalError) as caught:
        Loaded(folder, context, **options)
    assert caught.value.failure.hint
    return caught.value.failure


def change(folder: Path, name: str, **changes: object) -> None:
    content = json.loads((folder / name).read_text()) | changes
    (folder / name).write_text(json.dumps(content))


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": ')


def deep_config(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 100_000)


def unknown_class(folder: Path) -> None:
    change(folder, "config.json", model_type="nobody", architectures=["NobodyForCausalLM"])


def own_code(folder: Path) -> None:
    code = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    change(folder, "config.json", model_type="evil", auto_map=code)
    (folder / "evil.py").write_text(CANARY.format(folder / "canary"))


def encoder(folder: Path) -> None:
    change(folder, "config.json", model_type="t5", architectures=["T5Model"])


def pickle_only(folder: Path) -> None:
    (folder / SAFETENSORS).rename(folder / "pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / SAFETENSORS).unlink()


def truncated(folder: Path) -> None:
    content = (folder / SAFETENSORS).read_bytes()
    (folder / SAFETENSORS).write_bytes(content[: len(content) // 2])


def junk(folder: Path) -> None:
    (folder / SAFETENSORS).write_bytes(b"junk" * 1000)


def missing_shard(folder: Path) -> None:
    (folder / SAFETENSORS).unlink()
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / f"{SAFETENSORS}.index.json").write_text(json.dumps(index))


def shard_outside(folder: Path) -> None:
    (folder / SAFETENSORS).unlink()
    (folder / f"{SAFETENSORS}.index.json").write_text(json.dumps({"weight_map": {"a": "../x.safetensors"}}))


def wrong_sizes(folder: Path) -> None:
    change(folder, "config.json", hidden_size=64)


def missing_weights(folder: Path) -> None:
    change(folder, "config.json", num_hidden_layers=3)


def no_such_function(folder: Path) -> None:
    change(folder, "config.json", hidden_act="swoosh")


def broken_figure(folder: Path) -> None:
    change(folder, "config.json", max_position_embeddings=2048.5)


def no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def endless_template(folder: Path) -> None:
    loop = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
    (folder / "chat_template.jinja").write_text(loop)


def attacking_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")


def broken_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for %}")


INVALID: dict[Callable[[Path], None], str] = {
    no_config: "no config.json",
    adapter: "only an adapter",
    broken_config: "cannot be read",
    deep_config: "cannot be read",
    unknown_class: "nobody",
    own_code: "never run",
    encoder: "does not write text",
    pickle_only: "pickle",
    no_weights: "no weights",
    truncated: "truncated",
    junk: "header is damaged",
    missing_shard: "missing",
    shard_outside: "outside",
    wrong_sizes: "and not",
    no_such_function: "no 'swoosh'",
    broken_figure: "expected int",
    missing_weights: "weights are missing",
    no_tokenizer: "no tokenizer",
    broken_tokenizer: "tokenizer",
    endless_template: "longer than",
    attacking_template: "template",
    broken_template: "template",
}


@pytest.mark.parametrize("damage", INVALID, ids=lambda one: one.__name__)
def test_a_damaged_folder_is_invalid_and_says_why(damage: Callable[[Path], None], folder: Path) -> None:
    damage(folder)
    failure = refusal(folder)
    assert failure.code == "model_invalid"
    assert INVALID[damage] in failure.message
    assert not (folder / "canary").exists()


def test_a_file_is_no_folder(folder: Path) -> None:
    assert refusal(folder / SAFETENSORS).code == "model_invalid"


def test_code_beside_a_class_that_transformers_has_is_not_run(folder: Path) -> None:
    change(
        folder, "config.json", auto_map={"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}
    )
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Slow", "evil.Fast"]})
    (folder / "evil.py").write_text(CANARY.format(folder / "canary"))
    engine = Loaded(folder)
    assert engine.ask("hello", GenerationOptions(max_tokens=4)).failure is None
    engine.engine.close()
    assert not (folder / "canary").exists()


def test_a_context_larger_than_the_model_s_is_refused_with_both_figures(folder: Path) -> None:
    failure = refusal(folder, context=4096)
    assert failure.code == "config_invalid"
    assert "4096" in failure.message
    assert "512" in failure.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "int3"},
        {"device": "tpu"},
        {"quantize": "2bit"},
        {"quantize": "4bit", "dtype": "float32"},
        {"chat_format": "morse"},
    ],
    ids=str,
)
def test_a_wrong_option_is_a_wrong_configuration(wrong: dict[str, Any], folder: Path) -> None:
    assert refusal(folder, **wrong).code == "config_invalid"


def test_a_tokenizer_of_another_model_is_noticed(tmp_path: Path) -> None:
    assert refusal(tiny_models.save(tmp_path / "m", "llama", vocab_size=50)).code == "model_invalid"
