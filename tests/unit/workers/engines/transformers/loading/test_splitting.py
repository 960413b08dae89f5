"""A model on several devices: what goes where, and that it says the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.hooks import attach_align_device_hook_on_blocks
from transformers import AutoConfig, AutoModelForCausalLM

from ai_pal.errors import AiPalError
from ai_pal.protocol.worker import Share
from tests import tiny_models
from workers.engines.transformers.decoding.rows import Pack, Packed
from workers.engines.transformers.loading.splitting import device_map

SPLIT = [Share("cuda:0", 1), Share("cuda:1", 1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("models") / "llama", "llama")


def mapped(folder: Path, split: list[Share], **changes: Any) -> dict[str, str]:
    return device_map(AutoModelForCausalLM, AutoConfig.from_pretrained(folder, **changes), split)


def test_layers_are_split_and_the_ends_go_with_them(folder: Path) -> None:
    layers = {"model.layers.0": "cuda:0", "model.layers.1": "cuda:1", "model.norm": "cuda:1"}
    first = {"model.embed_tokens": "cuda:0", "model.rotary_emb": "cuda:0"}
    assert mapped(folder, SPLIT, tie_word_embeddings=False) == layers | first | {"lm_head": "cuda:1"}
    assert mapped(folder, SPLIT, tie_word_embeddings=True) == layers | first | {"lm_head": "cuda:0"}


def test_a_split_that_is_not_the_models_is_refused(folder: Path) -> None:
    with pytest.raises(AiPalError) as refused:
        mapped(folder, [Share("cuda:0", 2), Share("cuda:1", 1)])
    assert refused.value.code == "config_invalid"


def test_a_model_with_the_librarys_hooks_packs_and_says_the_same(folder: Path) -> None:
    """As they are for several devices; here each is the CPU."""
    names = ["", *mapped(folder, SPLIT)]
    logits = []
    for split in (False, True):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        if split:
            host = dict.fromkeys(names, torch.device("cpu"))
            attach_align_device_hook_on_blocks(model, host, dict.fromkeys(names, False))
            assert hasattr(model.model.layers[0], "_hf_hook")
        packed = Packed(model)
        rows = [packed.row(16), packed.row(16)]
        logits.append(packed.step([(rows[0], [5, 6, 7]), (rows[1], [9, 10])]))
        logits.append(packed.step([(rows[0], [8]), (rows[1], [11, 12])]))
    assert torch.equal(logits[0], logits[2])
    assert torch.equal(logits[1], logits[3])


def test_a_mask_is_made_on_each_device() -> None:
    pack = Pack([], "eager", set())
    here, there = (torch.zeros(1, device=device) for device in ("cpu", "meta"))
    masks = [pack.mask(2, 1, None, like) for like in (here, there, here)]
    assert [str(mask.device) for mask in masks if mask is not None] == ["cpu", "meta", "cpu"]
    assert masks[0] is masks[2]
