"""The GGUF reader, over files made here."""

import struct
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.formats import gguf as gguf_module
from ai_pal.formats.gguf import (
    ADAPTER,
    PROJECTOR,
    check_whole,
    parse,
    read_header,
    read_layout,
)
from ai_pal.formats.gguf_cursor import MOST_FOUND, Cursor, Tensor
from ai_pal.formats.gguf_parts import part_paths
from tests.gguf_files import ARRAY, TEXT, gguf, text

LLAMA: dict[str, object] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "llama.context_length": 512,
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
}
VOCABULARY: dict[str, object] = {"tokenizer.ggml.tokens": ["a", "b", "c"]}


@pytest.mark.parametrize("said", [{}, {"split.count": 1}, {"split.count": 0}])
def test_a_whole_file_may_have_the_name_of_a_part(said: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "m-00001-of-00003.gguf"
    file.write_bytes(gguf(LLAMA | VOCABULARY | said, [("a.weight", 2, 0)]))
    assert part_paths(file) == [file]
    assert read_layout(file).vocabulary == 3


def test_keys_come_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(VOCABULARY | LLAMA, [("a.weight", 2, 0)]))
    assert read_header(file).context == 512
    layout = read_layout(file)
    assert (layout.header.context, layout.vocabulary, len(layout.tensors)) == (512, 3, 1)


def test_what_llama_cpp_reads_is_read(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    odd = {"general.licence": "x" * 1_500_000, "general.numbers": list(range(1_100_000))}
    file.write_bytes(gguf(odd | LLAMA | VOCABULARY, []).replace(b"Tiny", b"T\xefny"))
    header = read_header(file)
    assert (header.context, header.name) == (512, "T\ufffdny")


def test_knows_the_window_and_the_cache_of_one_token(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(LLAMA, []))
    header = read_header(file)
    assert (header.architecture, header.name, header.context) == ("llama", "Tiny", 512)
    assert header.kv_values == 2 * 2 * (16 + 16)
    assert header.heads == (16, 16)


def test_a_header_is_read_once_and_anew_from_a_file_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "m.gguf", tmp_path / "other.gguf"
    file.write_bytes(gguf(LLAMA, []))
    other.write_bytes(gguf(LLAMA | {"llama.context_length": 256}, []))
    assert read_header(file).context == 512
    with monkeypatch.context() as only_here:
        only_here.setattr(gguf_module, "parse", lambda *_, **__: pytest.fail("it was read again"))
        assert read_header(file).context == 512
    other.replace(file)
    assert read_header(file).context == 256


def test_heads_may_differ_by_layer(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    own = {"llama.attention.head_count_kv": [2, 1], "llama.attention.key_length": 8}
    file.write_bytes(gguf(LLAMA | own, []))
    header = read_header(file)
    assert (header.kv_values, header.heads) == (3 * (8 + 16), (8, 16))


def test_what_writes_nothing_has_no_cache(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    own = {key.replace("llama.", "bert."): value for key, value in LLAMA.items()}
    file.write_bytes(gguf(own | {"general.architecture": "bert"}, []))
    assert read_header(file).kv_values == 0


def test_the_layout_has_the_vocabulary_and_the_size_of_each_tensor(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(LLAMA | VOCABULARY, [("b", 12, 96), ("a", 0, 0)]))
    layout = read_layout(file)
    assert layout.vocabulary == 3
    assert layout.tensors == [Tensor("a", 0, 96, 64), Tensor("b", 12, 2048 - 96, 64)]


@pytest.mark.parametrize("taken", [1, 255, 1500, 2047, 2060, 2110, 2150, 2400, 5000])
def test_a_file_that_was_cut_off_is_told_from_a_whole_one(taken: int, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    many = {"tokenizer.ggml.tokens": [f"word {number}" for number in range(500)]}
    whole = gguf(LLAMA | many, [("a.weight", 0, 0), ("b.weight", 0, 2048)], data=2048 + 256)
    file.write_bytes(whole)
    check_whole(file)
    file.write_bytes(whole[:-taken])
    with pytest.raises(AiPalError, match="cut off"):
        check_whole(file)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"general.architecture": "llama", "general.type": "adapter"}, ADAPTER),
        ({"general.architecture": "clip", "general.type": "mmproj"}, PROJECTOR),
        ({"general.architecture": "clip"}, PROJECTOR),
    ],
)
def test_what_is_no_whole_model_is_named(
    entries: dict[str, object], told: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(entries, [("a.weight", 0, 0)]))
    with pytest.raises(AiPalError) as caught:
        check_whole(file)
    assert (caught.value.failure.message, caught.value.failure.hint) == (f"{file} is {told[0]}", told[1])


def test_what_is_only_odd_is_left_to_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    odd: list[dict[str, object]] = [{"general.architecture": "nobody-knows"}, {"general.type": "model"}]
    for entries in (*odd, LLAMA):
        file.write_bytes(gguf(entries, [("a", 99, 0)]))
        check_whole(file)
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 99, 0, 0) + bytes(2048))
    check_whole(file)


@pytest.mark.parametrize("length", [4, 20, 60, 200])
def test_a_header_that_breaks_off_is_refused(length: int, tmp_path: Path) -> None:
    whole = gguf(LLAMA | VOCABULARY, [("a", 0, 0)])
    file = tmp_path / "m.gguf"
    file.write_bytes(whole[:length] + (b"\xff" * 1100))
    with pytest.raises(AiPalError) as caught:
        read_layout(file)
    assert caught.value.code == Code.MODEL_INVALID


def test_no_length_is_believed() -> None:
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 62) + bytes(2048)
    with pytest.raises(ValueError, match="cut off"):
        parse(data, len(data), whole=False)


def test_parts_are_read_as_one(tmp_path: Path) -> None:
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    first.write_bytes(gguf(LLAMA | VOCABULARY | {"split.count": 2}, [], data=1024))
    second.write_bytes(gguf({"split.no": 1, "split.count": 2}, [("a.weight", 2, 0)]))
    layout = read_layout(first)
    assert layout.header.size == read_header(first).size == first.stat().st_size + second.stat().st_size
    assert (layout.vocabulary, [tensor.name for tensor in layout.tensors]) == (3, ["a.weight"])
    second.unlink()
    with pytest.raises(AiPalError) as caught:
        read_layout(first)
    assert caught.value.code == Code.MODEL_INVALID


WEIGHTS = [("a.weight", 2, 0), ("b.bias", 0, 512)]


def test_the_vocabulary_is_jumped_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = LLAMA | {"tokenizer.ggml.tokens": ["x", ".weight", "the.weight"] * 50}
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(own | {"tokenizer.ggml.merges": ["a b"] * 70, "tokenizer.ggml.eos": 2}, WEIGHTS))
    monkeypatch.setattr(Cursor, "_skip_texts", lambda *_: pytest.fail("each text was looked at"))
    layout = read_layout(file)
    assert layout.vocabulary == 150
    assert layout.tensors == [Tensor("a.weight", 2, 512, 64), Tensor("b.bias", 0, 1536, 64)]


@pytest.mark.parametrize("first", ["odd", "a.weight"])
def test_without_a_table_that_can_be_found_each_text_is_passed(tmp_path: Path, first: str) -> None:
    tensors = [(first, 2, 512), ("b.weight", 0, 0)]  # the first in the table is not the first in the file
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(LLAMA | VOCABULARY, tensors))
    layout = read_layout(file)
    assert layout.vocabulary == 3
    assert layout.tensors == [Tensor("b.weight", 0, 512, 64), Tensor(first, 2, 1536, 64)]


def test_a_vocabulary_full_of_false_tables_is_given_up_on() -> None:
    false = text("a.weight") + struct.pack("<IQQIQ", 2, 8, 8, 0, 0)
    cursor = Cursor(struct.pack("<IIQ", ARRAY, TEXT, 5) + false * 20_000, 0)
    assert len(list(cursor._named_weights())) == MOST_FOUND
    assert cursor.past_texts(50_000, 1 << 20) is None
