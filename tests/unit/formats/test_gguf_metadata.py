"""All that a GGUF file says of a model, in bounds."""

import json
from pathlib import Path

import msgspec
import pytest
from gguf import GGUFWriter

from ai_pal.errors import AiPalError, Code
from ai_pal.formats import gguf_metadata
from ai_pal.formats.gguf_metadata import NamedTensor, read_metadata
from tests.gguf_files import gguf

OWN = {"general.architecture": "llama", "llama.block_count": 2, "tokenizer.ggml.tokens": ["a", "b", "c"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({**OWN, "llama.heads": [3, 4]}, [("a.weight", 3, 0), ("b.weight", 99, 40)]))
    return path


def test_lists_come_where_they_are_wanted(file: Path) -> None:
    told = read_metadata(file)
    assert told.entries == {**OWN, "tokenizer.ggml.tokens": None, "llama.heads": None}
    assert told.tensors == [
        NamedTensor("a.weight", "Q4_1", [8, 8]),
        NamedTensor("b.weight", "unknown", [8, 8]),
    ]
    assert told.weights == 128
    whole = read_metadata(file, lists=True)
    assert whole.entries == {**OWN, "llama.heads": [3, 4]}
    assert whole.tensors == told.tensors


def test_numbers_are_told_in_no_more_digits_than_they_have(tmp_path: Path) -> None:
    writer = GGUFWriter(str(path := tmp_path / "m.gguf"), "llama")
    singles = [1e-05, 0.1, 1 / 3, 3.4028234663852886e38, 1e-30, 10000.0, -2.5]
    writer.add_array("singles", singles)
    for name, value in (("tiny", 1e-05), ("far", float("inf")), ("nothing", float("nan"))):
        writer.add_float32(name, value)
    writer.add_float64("double", 1 / 3)
    writer.add_int8("below", -3)
    writer.add_uint64("large", 2**63)
    writer.add_bool("yes", True)
    writer.add_string("padding", "x" * 1024)
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    found = json.loads(msgspec.json.encode(read_metadata(path, lists=True).entries))
    told = {"tiny": 1e-05, "far": None, "nothing": None, "double": 1 / 3, "below": -3, "large": 2**63}
    assert {name: found[name] for name in told} == told
    assert found["yes"] is True
    assert found["singles"] == [1e-05, 0.1, 0.33333334, 3.4028234663852886e38, 1e-30, 10000.0, -2.5]


def test_the_tensors_of_all_parts_are_told(tmp_path: Path) -> None:
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    first.write_bytes(gguf({**OWN, "split.count": 2}, [("a.weight", 0, 0)]))
    second.write_bytes(gguf({"split.no": 1, "split.count": 2}, [("b.weight", 0, 0)]))
    told = read_metadata(first)
    assert [tensor.name for tensor in told.tensors] == ["a.weight", "b.weight"]
    assert "split.no" not in told.entries


def test_what_is_too_much_is_left_out_or_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_metadata, "MOST_VALUES", 4)
    assert read_metadata(file, lists=True).entries == {**OWN, "llama.heads": None}, "one list has room"
    monkeypatch.setattr(gguf_metadata, "FARTHEST", 100)
    with pytest.raises(AiPalError) as refused:
        read_metadata(file, lists=True)
    assert refused.value.code == Code.MODEL_INVALID


def test_what_is_cut_off_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in (30, 60, 150, 230):
        file.write_bytes(whole[:length] + b"\xff" * 1100)
        with pytest.raises(AiPalError):
            read_metadata(file, lists=True)
