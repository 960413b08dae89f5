"""Looks at a model folder before anything of it is loaded, and refuses what cannot or must not be."""

import json
from pathlib import Path
from typing import Any, Literal, NoReturn

import msgspec

from ai_pal.errors import Code, fail

CONFIG, ADAPTER = "config.json", "adapter_config.json"
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "vocab.txt")
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
WRITERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
READERS = ("ForMaskedLM", "ForPreTraining", "ForTokenClassification", "ForQuestionAnswering")
ENCODERS = (
    *("albert", "bert", "deberta", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet"),
    *("nomic_bert", "roberta", "xlm-roberta"),
)
SEEING = (
    *("gemma3", "idefics3", "internvl", "llava", "mistral3", "paligemma"),
    *("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm"),
)
"""Types of models that see, and whose answers are computed beside others."""
Kind = Literal["text", "embed", "rerank", "vision"]
"""What a model does: write text (also about pictures), turn texts into vectors, or rank texts."""
LARGEST_JSON = 64 << 20
LONGEST_HEADER = 100 << 20
FETCH_AGAIN = "fetch the model again"


class Folder(msgspec.Struct, frozen=True):
    """A folder that looks whole. `context` is the trained window in tokens (0: not said), `size` the
    bytes of its `shards`; `wants_code` is whether it brings Python code, which is never run; `kind` is what
    the model does."""

    path: Path
    model_type: str
    context: int
    shards: list[Path]
    size: int
    dtype: str
    wants_code: bool
    kind: Kind = "text"


def look(path: Path) -> Folder:
    """Raises `AiPalError` (`model_invalid`)."""
    if not path.is_dir():
        _refuse(f"{path} is not a folder", "give the folder with config.json and *.safetensors")
    if not (path / CONFIG).is_file():
        _refuse_without_config(path)
    config = read_json(path / CONFIG)
    if "model_type" not in config and "architectures" not in config:
        _refuse(f"{path / CONFIG} describes no model", FETCH_AGAIN)
    shards = _shards(path)
    if not any((path / name).is_file() for name in TOKENIZERS):
        _refuse(f"{path} holds no tokenizer", "fetch tokenizer.json (or tokenizer.model) too")
    text = config.get("text_config", config)
    return Folder(
        path,
        str(config.get("model_type", "")),
        trained_context(text if isinstance(text, dict) else config),
        shards,
        sum(check_shard(shard) for shard in shards),
        str(config.get("dtype") or config.get("torch_dtype") or ""),
        "auto_map" in config or any(path.glob("*.py")),
        _kind(path, config),
    )


def _kind(path: Path, config: dict[str, Any]) -> Kind:
    """What the model is for, by the class that it was saved from. Raises `AiPalError` (`model_invalid`)."""
    if (path / "modules.json").is_file():
        return "embed"
    names = config.get("architectures")
    classes = [str(name) for name in names] if isinstance(names, list) else []
    if any(name.endswith("ForSequenceClassification") for name in classes):
        return "rerank"
    if not any(name.endswith(WRITERS) for name in classes):
        if any(name.endswith(READERS) for name in classes):
            _refuse(
                f"{path} is an encoder (architectures: {', '.join(classes)}), which writes no text",
                "use a model that was made to write text, or one that turns texts into vectors",
            )
        if any(name.endswith("Model") for name in classes) and config.get("model_type") in ENCODERS:
            return "embed"
    has_processor = any((path / name).is_file() for name in PROCESSORS)
    return "vision" if has_processor and config.get("model_type") in SEEING else "text"


def trained_context(config: dict[str, Any]) -> int:
    """The window in tokens up to which positions need no rescaling; 0 if the config does not say."""
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    longest = next((config[name] for name in names if isinstance(config.get(name), int)), 0)
    rope = config.get("rope_scaling") or config.get("rope_parameters")
    kind = rope.get("rope_type", rope.get("type")) if isinstance(rope, dict) else None
    if isinstance(rope, dict) and kind in ("longrope", "su", "dynamic"):
        # These change all positions when a text outgrows the first window: what is cached would be wrong.
        first = config.get("original_max_position_embeddings", rope.get("original_max_position_embeddings"))
        return min(longest, first) if isinstance(first, int) else longest
    return longest


def check_shard(path: Path) -> int:
    """The size in bytes of a safetensors file whose header and length agree. Raises `AiPalError`."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, LONGEST_HEADER):
                raise ValueError(length)
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        wanted = 8 + length + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        _refuse(f"{path} is no whole safetensors file: its header is damaged", FETCH_AGAIN)
    if size != wanted:
        _refuse(f"{path} is truncated: it has {size} bytes of {wanted}", FETCH_AGAIN)
    return size


def _shards(path: Path) -> list[Path]:
    if (path / SINGLE).is_file():
        return [path / SINGLE]
    if not (path / INDEX).is_file():
        _refuse_without_weights(path)
    mapping = read_json(path / INDEX).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        _refuse(f"{path / INDEX} names no files", FETCH_AGAIN)
    names = sorted({str(name) for name in mapping.values()})
    if any(Path(name).name != name for name in names):
        _refuse(f"{path / INDEX} points outside its folder", "do not use this model")
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        _refuse(f"{len(missing)} of {len(names)} weight files are missing, {missing[0]} first", FETCH_AGAIN)
    return [path / name for name in names]


def _refuse_without_config(path: Path) -> NoReturn:
    if (path / ADAPTER).is_file():
        base = read_json(path / ADAPTER).get("base_model_name_or_path", "its base model")
        _refuse(f"{path} is only an adapter for {base}", "merge it into its base model, and load the result")
    if any(path.glob("*.gguf")):
        _refuse(f"{path} is a folder with GGUF files", "name one of these files instead of the folder")
    _refuse(f"{path} is no model: it has no {CONFIG}", "give the folder with config.json and *.safetensors")


def _refuse_without_weights(path: Path) -> NoReturn:
    if any(next(path.glob(pattern), None) for pattern in PICKLES):
        _refuse(
            f"{path} has its weights only as pickle files, which can run code when read",
            "use a version of the model with *.safetensors",
        )
    _refuse(f"{path} has no weights: no *.safetensors", FETCH_AGAIN)


def read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("too large")
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("no object")
    except (OSError, ValueError, RecursionError) as error:
        _refuse(f"{path} cannot be read: {error}", FETCH_AGAIN)
    return content


def _refuse(message: str, hint: str) -> NoReturn:
    fail(Code.MODEL_INVALID, message, hint)
