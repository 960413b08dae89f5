"""What files tell of their model before it is loaded: those that turn texts into vectors chat with nobody."""

from pathlib import Path

import msgspec
import pytest

from ai_pal.catalog.abilities import EMBEDS, RANKS, abilities_of, of_folder, of_gguf
from ai_pal.catalog.entries import CATALOG
from ai_pal.formats.gguf import Header
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


def test_known_models_see_and_hear_nothing_and_echo_does_what_it_is_told() -> None:
    able = {name: model.abilities for name, model in CATALOG.items()}
    assert able.pop("echo") is None
    assert all(
        known is not None and "chat" in known and not known & {"images", "audio"} for known in able.values()
    )
