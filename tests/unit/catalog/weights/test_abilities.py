"""What files tell of their model before it is loaded: those that turn texts into vectors chat with nobody."""

from pathlib import Path

import msgspec
import pytest

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.weights.abilities import EMBEDS, RANKS, abilities_of, of_folder, of_gguf
from ai_pal.catalog.weights.layout import read_config
from ai_pal.formats.gguf import Header
from ai_pal.protocol import needs
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import LoadModel


@pytest.mark.parametrize(
    ("architecture", "pooling", "able"),
    [("llama", 0, None), ("bert", 0, EMBEDS), ("bert", 1, EMBEDS), ("bert", 4, RANKS), ("qwen3", 3, EMBEDS)],
)
def test_a_gguf_tells(architecture: str, pooling: int, able: frozenset[Ability] | None) -> None:
    assert of_gguf(Header(architecture, "", 512, 1, pooling=pooling)) == able


@pytest.mark.parametrize(
    ("names", "able"),
    [
        (["LlamaForCausalLM"], None),
        (["LlavaForConditionalGeneration"], None),
        (["GPT2LMHeadModel"], None),
        (["BertModel"], EMBEDS),
        (["BertForMaskedLM"], EMBEDS),
        (["XLMRobertaForSequenceClassification"], RANKS),
        ([], None),
    ],
)
def test_a_folder_tells(names: list[str], able: frozenset[Ability] | None) -> None:
    assert of_folder(names, sentences=False) == able
    assert of_folder(names, sentences=True) == EMBEDS


def test_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(msgspec.json.encode({"architectures": ["BertModel"]}))
    assert abilities_of(LoadModel("m", "transformers", str(tmp_path))) == EMBEDS
    (tmp_path / "config.json").write_bytes(b"{}")
    assert abilities_of(LoadModel("m", "transformers", str(tmp_path))) is None
    assert abilities_of(LoadModel("echo", "echo")) is None


def test_known_models_can_do_what_they_were_made_for_and_echo_what_it_is_told() -> None:
    assert CATALOG["echo"].abilities is None
    for model in (model for model in CATALOG.values() if model.name != "echo"):
        assert model.abilities is not None
        assert ("images" in model.abilities) == ("pictures" in model.strengths)
        assert ("chat" in model.abilities) == (not {"embeddings", "rerank"} & set(model.strengths))
    assert CATALOG["embeddinggemma"].abilities == EMBEDS
    assert CATALOG["bge-reranker-v2-m3"].abilities == RANKS


def test_a_model_that_hints_name_is_known_and_small_and_can() -> None:
    for need, name in needs.EXAMPLE.items():
        known = CATALOG[name]
        assert need in (known.abilities or ())
        assert {"images": "pictures", "infill": "fill-in", "embed": "embeddings"}.get(
            need, need
        ) in known.strengths
        assert known.variants[0].size < 1.2e9
        assert name in needs.WHO[need]


def test_a_configuration_is_read_as_python_reads_it(tmp_path: Path) -> None:
    text = b'{"architectures": ["BertModel"], "model_type": "bert", "limit": [0.0, Infinity, NaN]}'
    (tmp_path / "config.json").write_bytes(text)
    assert abilities_of(LoadModel("m", "transformers", str(tmp_path))) == EMBEDS
    assert read_config(text, "m")["model_type"] == "bert"
