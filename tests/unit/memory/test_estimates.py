"""Estimates from headers, and what the peaks of earlier runs make of them."""

import json
import struct
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from ai_pal.formats.gguf import Header, Layout
from ai_pal.formats.gguf_cursor import Tensor
from ai_pal.memory.estimates import LearnedFootprints, llamacpp, transformers
from ai_pal.memory.estimates.estimate import estimate
from ai_pal.memory.estimates.footprint import MIB, OF_DEVICES, Footprint
from ai_pal.memory.estimates.footprints import Seen, key_of, needed, updated
from ai_pal.protocol.worker import LoadModel, Share
from tests import projectors, tiny_gguf
from tests.gguf_files import gguf

MB = 1_000_000
SHAPE = transformers.Shape(
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    hidden_size=576,
    max_position_embeddings=8192,
)


def gguf_estimate(**settings: object) -> Footprint:
    tensors = [
        Tensor("token_embd.weight", 12, 100 * MB),
        Tensor("output.weight", 14, 50 * MB),
        Tensor("blk.0", 12, 350 * MB),
    ]
    layout = Layout(Header("llama", "m", 4096, 500 * MB, kv_values=10_000), 1000, tensors)
    return llamacpp.footprint(layout, msgspec_load(settings))


def msgspec_load(settings: dict[str, object]) -> LoadModel:
    return LoadModel("m", "llamacpp", **settings)  # type: ignore[arg-type]


def test_llamacpp_counts_the_file_the_copies_and_the_cache() -> None:
    whole = gguf_estimate().loaded
    assert whole - gguf_estimate(options={"repack": False}).loaded == 350 * MB
    assert whole - gguf_estimate(context=1096).loaded == 3000 * 10_000 * 2
    assert gguf_estimate(context=100_000).loaded == whole  # no more than the model was trained for


def test_llamacpp_counts_a_window_for_each_slot_where_slots_have_one() -> None:
    whole, window = gguf_estimate().loaded, 4096 * 10_000 * 2
    assert gguf_estimate(own_windows=True).loaded - whole == 3 * window
    assert gguf_estimate(own_windows=True, slots=2).loaded - whole == window
    assert gguf_estimate(options={"windows": "own"}).loaded - whole == 3 * window
    assert gguf_estimate(own_windows=True, options={"windows": "shared"}).loaded == whole
    keys = {key_of(msgspec_load({"own_windows": own})) for own in (True, False)}
    assert len(keys) == 2, "what the one takes is not learned of the other"


def test_llamacpp_counts_the_cache_in_the_bits_it_is_kept_in() -> None:
    whole = 4096 * 10_000
    assert gguf_estimate().loaded - gguf_estimate(kv_cache="q8_0").loaded == whole * 2 - whole * 34 // 32
    assert gguf_estimate().loaded - gguf_estimate(kv_cache="q4_0").loaded == whole * 2 - whole * 18 // 32


def test_llamacpp_counts_what_a_model_sees_with(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(
        gguf({"general.architecture": "llama", "llama.embedding_length": 64}, [])
    )
    load = LoadModel("m", "llamacpp", str(tmp_path / "m.gguf"))
    blind = estimate(load)
    eye = projectors.save(tmp_path / "mmproj.gguf", width=64)
    for seeing in (load, msgspec.structs.replace(load, options={"mmproj": str(eye)})):
        assert estimate(seeing).loaded - blind.loaded == eye.stat().st_size
        assert estimate(seeing).growth > blind.growth
    assert estimate(msgspec.structs.replace(load, options={"mmproj": "off"})) == blind


def test_llamacpp_counts_what_guesses_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf({"general.architecture": "llama"}, []))
    draft = tiny_gguf.save(tmp_path / "draft.gguf", "sentencepiece", context=256)
    load = LoadModel("m", "llamacpp", str(tmp_path / "m.gguf"))
    plain = estimate(load).loaded
    ngram = estimate(msgspec.structs.replace(load, options={"speculate": "ngram"})).loaded
    drafted = estimate(msgspec.structs.replace(load, options={"speculate": str(draft)})).loaded
    assert estimate(msgspec.structs.replace(load, options={"speculate": "off"})).loaded == plain
    ahead = estimate(msgspec.structs.replace(load, options={"speculate": "mtp"})).loaded
    assert ahead > plain
    assert ngram - plain == llamacpp.GUESSES
    assert drafted - plain > draft.stat().st_size


def test_transformers_counts_the_cache_of_the_part_that_writes(tmp_path: Path) -> None:
    whole = {
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "hidden_size": 32,
        "max_position_embeddings": 512,
    }
    growths = []
    for config in (whole, {"model_type": "llava", "text_config": whole, "vision_config": {}}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        growths.append(estimate(LoadModel("m", "transformers", str(tmp_path))).growth)
    assert growths[0] == growths[1] > transformers.COMPUTE


def test_transformers_counts_the_weights_in_the_format_they_are_used_in() -> None:
    def of(stored: Counter[str], *, bf16: bool = True, **options: object) -> int:
        load = LoadModel("m", "transformers", options=options)
        return transformers.footprint(SHAPE, stored, load, bf16_hardware=bf16).loaded - transformers.RUNTIME

    stored = Counter({"BF16": 200 * MB})
    assert of(stored) == 200 * MB
    assert of(stored, bf16=False) == 400 * MB
    assert of(Counter({"F32": 400 * MB})) == 200 * MB
    assert of(stored, dtype="float32") == 400 * MB
    assert of(stored, quantize="4bit") < 100 * MB
    assert of(Counter({"BF16": 8000 * MB}), bf16=False) == 8000 * MB


@pytest.mark.parametrize(
    "config", [{"architectures": ["BertModel"]}, {"architectures": ["XForSequenceClassification"]}]
)
def test_what_reads_texts_has_32_bits_and_no_cache(config: dict[str, object], tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 30 * MB]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    shape = {
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "hidden_size": 32,
        "max_position_embeddings": 512,
    }
    (tmp_path / "config.json").write_text(json.dumps(shape | config))
    load = LoadModel("m", "transformers", str(tmp_path))
    assert estimate(load) == Footprint(transformers.RUNTIME + 60 * MB, transformers.COMPUTE)
    narrow = msgspec.structs.replace(load, options={"dtype": "bf16"})
    assert estimate(load).loaded - estimate(narrow).loaded == 30 * MB
    blocks = transformers.blocks(load)
    assert (blocks.whole, blocks.loaded, blocks.growth) == (True, (60 * MB,), (0,))


def test_transformers_on_a_device_leaves_the_process_to_the_host(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(msgspec.to_builtins(SHAPE)))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 400 * MB]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    load = LoadModel("m", "transformers", str(tmp_path), context=1000)
    blocks = transformers.blocks(load)
    assert len(blocks.loaded) == SHAPE.num_hidden_layers
    assert sum(blocks.loaded) == pytest.approx(200 * MB, rel=0.01)
    assert sum(blocks.growth) == SHAPE.kv_values * 1000 * 2
    for tied, last in ((True, 0), (False, 20 * MB)):
        ends = {"vocab_size": 10 * MB, "hidden_size": 1, "tie_word_embeddings": tied}
        (tmp_path / "config.json").write_text(json.dumps(msgspec.to_builtins(SHAPE) | ends))
        sizes = transformers.blocks(load).loaded
        assert sizes[0] - sizes[1] == 20 * MB
        assert sizes[-1] - sizes[1] == last
        assert sum(sizes) == pytest.approx(200 * MB, rel=0.01)
    quantized = transformers.blocks(msgspec.structs.replace(load, options={"quantize": "4bit"}))
    assert sum(quantized.loaded) < 70 * MB
    there = msgspec.structs.replace(load, placement=[Share("cuda:0", 30)])
    assert estimate(there) == Footprint(transformers.RUNTIME + OF_DEVICES, transformers.COMPUTE)


def test_transformers_counts_one_window_of_cache() -> None:
    load = LoadModel("m", "transformers", context=1000)
    growth = transformers.footprint(SHAPE, Counter(), load, bf16_hardware=True).growth
    assert growth == 30 * 2 * 3 * 64 * 2 * 1000 + transformers.COMPUTE


def test_what_many_conversations_may_add_counts_until_a_peak_was_seen(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    three = LoadModel("m", "transformers", context=1000, slots=3, options={"prompt_cache_mib": 10})
    one = transformers.footprint(SHAPE, Counter(), three, bf16_hardware=True)
    assert one.headroom == 10 * MIB
    assert gguf_estimate().headroom == 256 * MIB
    assert gguf_estimate(options={"prompt_cache_mib": 0}).headroom == 0
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 2}))
    load = LoadModel("m", "transformers", str(folder))
    learned = LearnedFootprints(file)
    assert learned.headroom(load) == 256 * MIB
    learned.learn(load, 500 * MB, resident=500 * MB)
    assert learned.headroom(load) == 0


def test_a_model_folder_is_read_by_its_headers(tmp_path: Path) -> None:
    header = json.dumps(
        {"__metadata__": {"a": "b"}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8 * MB]}}
    ).encode()
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 2, "vocab_size": 5}))
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    found = estimate(LoadModel("m", "transformers", str(tmp_path), options={"dtype": "bf16"}))
    assert found.loaded == transformers.RUNTIME + 4 * MB


def test_a_damaged_model_is_estimated_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" + bytes(5 * MB))
    need = LearnedFootprints(tmp_path / "seen").need(LoadModel("m", "llamacpp", str(file)))
    assert 5 * MB < need < 50 * MB


def test_what_was_seen_corrects_the_load_and_keeps_the_growth() -> None:
    estimated = Footprint(loaded=100 * MB, growth=20 * MB)
    assert needed(estimated, None) == 120 * MB
    assert needed(estimated, Seen(loaded=80 * MB, peak=90 * MB)) == 100 * MB
    assert needed(estimated, Seen(loaded=110 * MB, peak=150 * MB)) == 150 * MB


def test_a_load_that_has_its_peak_before_its_end_keeps_the_growth_of_what_is_left() -> None:
    estimated = Footprint(loaded=100 * MB, growth=20 * MB)
    assert needed(estimated, Seen(loaded=130 * MB, peak=130 * MB, resident=90 * MB)) == 130 * MB
    assert needed(estimated, Seen(loaded=100 * MB, peak=100 * MB, resident=90 * MB)) == 110 * MB
    seen = updated(updated(None, 130 * MB, resident=90 * MB), 140 * MB)
    assert seen == Seen(loaded=130 * MB, peak=140 * MB, resident=90 * MB)


def test_a_leak_is_no_need_and_is_forgotten_after_two_runs() -> None:
    estimated = Footprint(loaded=100 * MB)
    seen = updated(Seen(100 * MB, 100 * MB), 9000 * MB)
    assert needed(estimated, seen) == 200 * MB + 64 * MIB
    for _ in range(2):
        seen = updated(seen, 100 * MB, resident=100 * MB)
    assert needed(estimated, seen) == 100 * MB


def test_peaks_are_kept_per_file_and_settings_and_outlive_the_supervisor(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    one, two = LoadModel("m", "echo"), LoadModel("m", "echo", context=100)
    LearnedFootprints(file).learn(one, 70 * MB, resident=70 * MB)
    again = LearnedFootprints(file)
    assert again.need(one) > 69 * MB
    assert again.need(two) < 40 * MB
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["memory.json"]


def test_a_cache_of_fewer_bits_is_learned_by_itself() -> None:
    plain = LoadModel("m", "llamacpp", "/m.gguf")
    assert key_of(plain) == key_of(msgspec.structs.replace(plain, kv_cache="f16"))
    assert key_of(plain) != key_of(msgspec.structs.replace(plain, kv_cache="q8_0"))


def test_a_damaged_or_unwritable_file_costs_the_correction_only(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    file.write_text("[1")
    learned = LearnedFootprints(file)
    assert learned.need(LoadModel("m", "echo")) < 40 * MB
    learned.learn(LoadModel("m", "echo"), 70 * MB, resident=70 * MB)
    assert learned.need(LoadModel("m", "echo")) == 70 * MB
    LearnedFootprints(tmp_path / "none" / "x").learn(LoadModel("m", "echo"), 1, resident=1)


@pytest.mark.parametrize(
    ("method", "stored", "times"), [("fp8", "F8_E4M3", 2), ("mxfp4", "U8", 4), ("x", "U8", 1)]
)
def test_weights_that_the_library_unpacks_are_counted_unpacked(
    method: str, stored: str, times: int, tmp_path: Path
) -> None:
    header = json.dumps({"w": {"dtype": stored, "shape": [1], "data_offsets": [0, 1 << 30]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": method}}))
    load = LoadModel("m", "transformers", str(tmp_path), options={"dtype": "bfloat16"})
    assert estimate(load).loaded == transformers.RUNTIME + (times << 30)


def test_how_fast_it_reads_is_kept_with_its_peaks(tmp_path: Path) -> None:
    load, file = LoadModel("m", "echo"), tmp_path / "seen"
    assert LearnedFootprints(file).reads(load) == 0
    learned = LearnedFootprints(file)
    learned.learn(load, 100 * MB, resident=90 * MB)
    learned.learn(load, 100 * MB, reads=500.0)
    assert LearnedFootprints(file).reads(load) == 500.0
    assert LearnedFootprints(file).reads(LoadModel("m", "echo", threads=1)) == 0
