"""Which variant suits a machine, and how references are read."""

import pytest

from ai_pal.catalog import CATALOG, Capacity, choose
from ai_pal.catalog.references.text import hub_files, is_path
from ai_pal.catalog.weights.ggufs import gguf_file, gguf_parts, quant, quants
from ai_pal.catalog.weights.layout import check_names, read_config
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.wanted import HubFiles

GB = 1_000_000_000
ALL = frozenset({"llamacpp", "transformers", "quantize"})


def chosen(name: str, free: float, installed: frozenset[str] = ALL) -> str:
    return choose(CATALOG[name].variants, Capacity(int(free * GB), installed)).variant.name


@pytest.mark.parametrize(("free", "variant"), [(24, "bf16"), (5, "8bit"), (4, "q4_k_m"), (1, "q4_k_m")])
def test_the_best_variant_that_fits_is_chosen(free: float, variant: str) -> None:
    assert chosen("phi-2", free) == variant


def test_phi_2_works_with_4_gb_and_llama_cpp_alone() -> None:
    choice = choose(CATALOG["phi-2"].variants, Capacity(4 * GB, frozenset({"llamacpp"})))
    assert choice.variant.memory <= 4 * GB
    assert choice.variant.engine == "llamacpp"
    assert "needs transformers" in choice.reason


def test_the_reason_names_what_the_better_one_needs() -> None:
    reason = choose(CATALOG["phi-2"].variants, Capacity(4 * GB, ALL)).reason
    assert reason == "q4_k_m is the best that fits: bf16 needs 6.9 GB, 4.0 GB is free"


def test_where_nothing_fits_the_smallest_is_named_with_its_need() -> None:
    choice = choose(CATALOG["phi-3"].variants, Capacity(GB, ALL))
    assert choice.variant.memory == min(v.memory for v in CATALOG["phi-3"].variants)
    assert "it needs" in choice.reason


def test_without_any_engine_the_missing_one_is_named() -> None:
    assert "not installed" in choose(CATALOG["phi-3"].variants, Capacity(64 * GB, frozenset())).reason


@pytest.mark.parametrize("entry", CATALOG.values(), ids=list(CATALOG))
def test_every_entry_is_complete(entry: object) -> None:
    from ai_pal.catalog import KnownModel

    assert isinstance(entry, KnownModel)
    names = [variant.name for variant in entry.variants]
    assert len(names) == len(set(names))
    assert entry.about
    if entry.name != "echo":
        assert entry.licence
        assert entry.parameters
        assert entry.context
        assert all(v.size and v.memory and v.needs and v.wanted for v in entry.variants)
        assert all(v.memory > v.size * 0.4 for v in entry.variants)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("org/name", HubFiles("org/name")),
        ("org/name@v1.0", HubFiles("org/name", "v1.0")),
        ("org/name:Q4_K_M", HubFiles("org/name", "", "Q4_K_M")),
        ("org/name@main:tiny.Q8_0.gguf", HubFiles("org/name", "main", "tiny.Q8_0.gguf")),
        ("Org-1/na.me_2", HubFiles("Org-1/na.me_2")),
        ("name", None),
        ("a/b/c", None),
        ("org/../name", None),
        ("org/na--me", None),
        ("org/file.gguf", None),
        ("/org/name", None),
        ("-org/name", None),
    ],
)
def test_repositories_on_the_hub_are_told_from_names_and_paths(ref: str, expected: HubFiles | None) -> None:
    assert hub_files(ref) == expected


@pytest.mark.parametrize("ref", ["./org/name", "../x", "/x", "~/x", "x.gguf", "a/b/c", "org/file.gguf"])
def test_paths_are_paths(ref: str) -> None:
    assert is_path(ref)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tiny.Q4_K_M.gguf", "Q4_K_M"),
        ("Llama-3.2-3B-Instruct-Q8_0.gguf", "Q8_0"),
        ("Phi-3-mini-4k-instruct-q4.gguf", "q4"),
        ("Phi-3-mini-4k-instruct-fp16.gguf", "fp16"),
        ("model-IQ3_XS.gguf", "IQ3_XS"),
        ("sub/model.BF16.gguf", "BF16"),
        ("Qwen2.5-7B.gguf", ""),
        ("model.Q4_K_M.safetensors", ""),
    ],
)
def test_the_quantization_is_read_from_a_files_name(name: str, expected: str) -> None:
    assert quant(name) == expected


def test_a_gguf_is_chosen_by_quantization_whatever_its_case() -> None:
    names = ["a.Q4_K_M.gguf", "mmproj-a.Q4_K_M.gguf", "a.Q8_0.gguf"]
    assert gguf_file(names, "q4_k_m", "org/a") == "a.Q4_K_M.gguf"
    assert quants(names) == ["Q4_K_M", "Q8_0"]


PARTS = ["q/a.Q8_0-00001-of-00002.gguf", "q/a.Q8_0-00002-of-00002.gguf"]


@pytest.mark.parametrize("asked", ["Q8_0", PARTS[0], PARTS[1]])
def test_a_gguf_in_parts_is_named_by_its_first(asked: str) -> None:
    assert gguf_file([PARTS[1], PARTS[0]], asked, "org/a") == PARTS[0]
    assert gguf_parts(PARTS[0], "org/a") == PARTS


def test_a_whole_gguf_is_preferred_to_one_in_parts() -> None:
    assert gguf_file([*PARTS, "a-longer-name.Q8_0.gguf"], "Q8_0", "org/a") == "a-longer-name.Q8_0.gguf"


def test_a_gguf_that_lacks_a_part_is_refused() -> None:
    with pytest.raises(AiPalError, match=r"lacks q/a\.Q8_0-00002-of-00002\.gguf") as caught:
        gguf_file(PARTS[:1], "Q8_0", "org/a")
    assert caught.value.code == Code.MODEL_INVALID


@pytest.mark.parametrize("name", ["a-00003-of-00002.gguf", "a-00000-of-00002.gguf", "a-00001-of-99999.gguf"])
def test_impossible_numbers_of_parts_are_refused(name: str) -> None:
    with pytest.raises(AiPalError, match="is part"):
        gguf_file([name], name, "org/a")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"README.md"}, "no model"),
        ({"config.json", "pytorch_model.bin"}, "pickle"),
        ({"adapter_config.json", "adapter_model.safetensors"}, "adapter"),
        ({"config.json", "adapter_config.json"}, "adapter"),
        ({"config.json", "tiny.Q4_0.gguf"}, "GGUF"),
        ({"config.json"}, "model.safetensors"),
    ],
)
def test_what_is_no_safe_model_is_told_by_its_names(names: set[str], words: str) -> None:
    with pytest.raises(AiPalError, match=words) as caught:
        check_names(names, "org/a")
    assert caught.value.code == Code.MODEL_INVALID
    assert caught.value.failure.hint


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"model_type": 3}', b"[" * 100_000, b"\xff"])
def test_a_configuration_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(AiPalError) as caught:
        read_config(text, "org/a")
    assert caught.value.code == Code.MODEL_INVALID


def test_code_in_a_configuration_counts_only_where_transformers_has_no_class() -> None:
    auto_map = '"auto_map": {"AutoModel": "modeling_x.X"}'
    with pytest.raises(AiPalError, match="never run"):
        read_config(f'{{"model_type": "no-such-class", {auto_map}}}'.encode(), "org/a")
    assert read_config(f'{{"model_type": "phi3", {auto_map}}}'.encode(), "org/a")
