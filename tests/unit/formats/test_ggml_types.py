"""The sizes of ggml's data types are those that its own library for Python has."""

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from ai_pal.formats.ggml_types import BLOCKS, bytes_of


def test_the_table_is_ggmls() -> None:
    assert {kind: GGML_QUANT_SIZES[GGMLQuantizationType(kind)] for kind in BLOCKS} == BLOCKS
    assert bytes_of(2, 64) == 36
    assert bytes_of(99, 64) == 0
