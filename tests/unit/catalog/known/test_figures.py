"""The catalog's figures against the published dimensions of the models: counted here, not remembered."""

from typing import NamedTuple

import pytest

from ai_pal.catalog import CATALOG

TEXTS = 12_000_000
"""Configuration and tokenizer beside the weights."""
Q8_BYTES = 34 / 32
"""Q8_0: 32 weights in 32 bytes and a 16-bit scale."""


class Shape(NamedTuple):
    """As in the published configuration; `gated`: three matrices in the feed-forward part, not two."""

    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    tied: bool = False
    gated: bool = True
    biased: bool = False

    @property
    def kv_width(self) -> int:
        return self.hidden // self.heads * self.kv_heads

    @property
    def matrices(self) -> int:
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * self.kv_width
        network = (3 if self.gated else 2) * self.hidden * self.inner
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.layers * (attention + network)

    @property
    def vectors(self) -> int:
        if not self.biased:
            return self.hidden * (2 * self.layers + 1)
        layer = 2 * self.hidden + 2 * self.hidden + 2 * self.kv_width + self.inner + self.hidden
        return layer * self.layers + 2 * self.hidden + self.vocabulary


SHAPES = {
    "smollm2": Shape(49152, 576, 1536, 30, 9, 3, tied=True),
    "tinyllama": Shape(32000, 2048, 5632, 22, 32, 4),
    "phi-2": Shape(51200, 2560, 10240, 32, 32, 32, gated=False, biased=True),
    "phi-3": Shape(32064, 3072, 8192, 32, 32, 32),
    "llama3.2": Shape(128256, 3072, 8192, 28, 24, 8, tied=True),
}


def test_every_model_with_variants_of_its_own_has_its_shape_here() -> None:
    own = {entry.name for entry in CATALOG.values() if entry.variant("bf16") is not None}
    assert own == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_those_of_the_shape(name: str) -> None:
    assert CATALOG[name].parameters == SHAPES[name].matrices + SHAPES[name].vectors


@pytest.mark.parametrize("name", SHAPES)
def test_a_16_bit_download_is_two_bytes_a_parameter_and_some_texts(name: str) -> None:
    variant = CATALOG[name].variant("bf16")
    assert variant is not None
    assert 0 < variant.size - 2 * CATALOG[name].parameters < TEXTS


@pytest.mark.parametrize("name", ["tinyllama", "phi-2", "llama3.2"])
def test_an_8_bit_gguf_has_the_size_of_its_format(name: str) -> None:
    variant, shape = CATALOG[name].variant("q8_0"), SHAPES[name]
    assert variant is not None
    weights = shape.matrices * Q8_BYTES + shape.vectors * 4
    assert 0 < variant.size - weights < TEXTS
