"""The sizes of ggml's data types are those that its own library for Python has."""

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType

from ai_pal.formats.ggml_types import BLOCKS, FILE_TYPES, TENSOR_TYPES, bytes_of


def test_the_table_is_ggmls() -> None:
    assert {kind: GGML_QUANT_SIZES[GGMLQuantizationType(kind)] for kind in BLOCKS} == BLOCKS
    assert bytes_of(2, 64) == 36
    assert bytes_of(99, 64) == 0


def test_how_weights_are_stored_is_called_as_llama_cpp_calls_it() -> None:
    for number, name in FILE_TYPES.items():
        theirs = LlamaFileType(number).name.removeprefix("ALL_").removeprefix("MOSTLY_")
        assert theirs.removesuffix("_MOE") == name


def test_tensors_are_called_as_ggml_calls_them() -> None:
    assert {kind.value: kind.name for kind in GGMLQuantizationType} == TENSOR_TYPES
