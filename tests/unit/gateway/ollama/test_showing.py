"""What Ollama's clients are shown of one model."""

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.inventory.metadata import Told
from ai_pal.formats.gguf_metadata import Metadata, NamedTensor
from ai_pal.gateway.ollama.showing import shown
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT


def test_what_it_samples_with_is_told_in_ollamas_names() -> None:
    told = shown(Details(sampling=GenerationOptions(temperature=0.6, top_k=20, stop=["<end>"])))
    assert [line.split() for line in told["parameters"].splitlines()] == [
        ["temperature", "0.6"],
        ["top_k", "20"],
        ["stop", '"<end>"'],
    ]


def test_all_numbers_are_told_that_ollamas_command_shows() -> None:
    told = shown(Details(architecture="echo"))["model_info"]
    assert told == {
        "general.architecture": "echo",
        "general.parameter_count": 0,
        "echo.embedding_length": 0,
        "echo.context_length": LARGEST_DEFAULT_CONTEXT,
    }
    assert shown(Details(context=512))["model_info"]["unknown.context_length"] == 512


def test_what_its_file_says_is_told_but_for_the_window_and_what_stands_elsewhere() -> None:
    entries = {
        "general.architecture": "llama",
        "general.name": "Mine",
        "tokenizer.chat_template": "x",
        "llama.context_length": 131072,
        "llama.attention.head_count": 9,
        "tokenizer.ggml.tokens": None,
    }
    tensors = [NamedTensor("a", "F32", [3, 4])]
    eye = Metadata({"general.architecture": "clip", "clip.use_gelu": True}, [NamedTensor("b", "F16", [2])])
    known = Details(architecture="llama", context=8192, width=64, parameters=10)
    told = shown(known, Told(Metadata(entries, tensors), eye))
    assert told["model_info"] == {
        "general.architecture": "llama",
        "general.parameter_count": 12,
        "llama.context_length": 8192,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 9,
        "tokenizer.ggml.tokens": None,
    }
    assert told["tensors"] == tensors
    assert told["projector_info"] == {**eye.entries, "general.parameter_count": 2}
    assert not {"tensors", "projector_info"} & set(shown(known))
