"""Loads a model and its tokenizer with transformers; whatever goes wrong becomes one clear error.

Never runs code of a repository, never reads pickles, never asks the network.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import torch
import transformers
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForSequenceClassification,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats.adapters import OPTION
from ai_pal.protocol.worker import Share
from workers.engines import turn_ends
from workers.engines.channels import CALL, END, RETURN
from workers.engines.transformers.loading import quantize
from workers.engines.transformers.loading.adapters import adapted
from workers.engines.transformers.loading.defaults import token_ids
from workers.engines.transformers.loading.folder import Folder
from workers.engines.transformers.loading.pretrained import SAFE, examine, refuse, short
from workers.engines.transformers.loading.products import is_faster, widen_linears
from workers.engines.transformers.loading.splitting import device_map
from workers.engines.transformers.options import LoadOptions

HARMONY_ENDS = (RETURN, CALL)

PLAIN = (torch.float32, torch.float16, torch.bfloat16)


class LoadedModel(msgspec.Struct, frozen=True):
    """`ends` are the tokens that end an answer, `vocabulary` how many tokens the model knows."""

    model: Any
    tokenizer: Any
    ends: frozenset[int]
    vocabulary: int
    processor: Any = None


def load(
    folder: Folder,
    options: LoadOptions,
    device: str,
    dtype: str,
    report: Callable[[float], None],
    split: Sequence[Share] = (),
) -> LoadedModel:
    """`report` hears the part of the weights that is placed. Raises `AiPalError` (`model_invalid`,
    `engine_missing`, `config_invalid`)."""
    config, tokenizer = examine(folder)
    sees = folder.kind == "vision"
    kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    model = _model(kind, folder, config, options, device, dtype, report, split)
    if options.quantize and model.device.type == "cpu":
        quantize.after_loading(model, options.quantize)
    if is_faster():
        widen_linears(model)
    embedding = model.get_input_embeddings()
    processor = _processor(folder, config) if sees else None
    vocabulary = embedding.weight.shape[0]
    ends = _ends(model, tokenizer, vocabulary)
    return LoadedModel(model.eval(), tokenizer, ends, vocabulary, processor)


def load_encoder(
    folder: Folder,
    options: LoadOptions,
    device: str,
    dtype: str,
    report: Callable[[float], None],
    split: Sequence[Share] = (),
) -> tuple[Any, Any]:
    """The model and tokenizer of a folder that turns texts into vectors, or ranks them. Raises as `load`."""
    config, tokenizer = examine(folder)
    kind = AutoModel if folder.kind == "embed" else AutoModelForSequenceClassification
    model = _model(kind, folder, config, options, device, dtype, report, split)
    if is_faster():
        widen_linears(model)
    return model.eval(), tokenizer


def _processor(folder: Folder, config: Any) -> Any:
    """What prepares pictures, by Pillow: the other way wants torchvision."""
    try:
        kind = for_pictures(PROCESSOR_MAPPING[type(config)])
        return kind.from_pretrained(folder.path, backend="pil", **SAFE)
    except Exception as error:  # noqa: BLE001
        refuse(folder, f"what prepares its pictures cannot be loaded: {short(error)}")


def for_pictures(kind: Any) -> Any:
    """A class of processors without its part for videos, which wants torchvision, and is not asked here."""

    class ForPictures(kind):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in super().get_attributes() if name != "video_processor"]

    return ForPictures


def _model(
    kind: Any,
    folder: Folder,
    config: Any,
    options: LoadOptions,
    device: str,
    dtype: str,
    report: Callable[[float], None],
    split: Sequence[Share],
) -> Any:
    placement: dict[str, Any] = {} if device == "cpu" else {"device_map": {"": device}}
    if split:
        placement["device_map"] = device_map(kind, config, split)
    if options.attn_implementation or _has_flash(device):
        placement["attn_implementation"] = options.attn_implementation or "flash_attention_2"
    stored = getattr(config, "quantization_config", None)
    if options.quantize and stored:
        message = f"{folder.path} is quantized already"
        fail(Code.CONFIG_INVALID, message, "leave quantize out, or use a version of the model that is not")
    quantization = quantize.while_loading(options.quantize, device)
    if quantization is not None:
        placement["quantization_config"] = quantization
    previous = transformers.logging.set_tqdm_hook(_reporting(report))
    try:
        model, info = kind.from_pretrained(
            folder.path,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # it would not say which
            **placement,
            **SAFE,
        )
    except AiPalError:
        raise
    except ImportError as error:
        fail(Code.ENGINE_MISSING, f"{folder.path} needs a library that is not here: {short(error)}")
    except Exception as error:  # noqa: BLE001
        refuse(folder, _wrong_sampling(folder) or short(error))
    finally:
        transformers.logging.set_tqdm_hook(previous)
    if stored:
        _align(model, getattr(torch, dtype))
    _check(folder, info)
    return adapted(model, {OPTION: options.lora})


def _check(folder: Folder, info: dict[str, Any]) -> None:
    """Raises `AiPalError` (`model_invalid`) where the weights are not those of the configuration."""
    missing = sorted(key for key in info["missing_keys"] if not (folder.kind == "embed" and "pooler" in key))
    if missing:
        refuse(folder, f"{len(missing)} of its weights are missing, {missing[0]} first")
    for name, held, wanted in sorted(info["mismatched_keys"])[:1]:
        sizes = " and not ".join(" x ".join(map(str, size)) for size in (held, wanted))
        refuse(folder, f"its weights are of another size than its configuration says: {name} has {sizes}")


def _wrong_sampling(folder: Folder) -> str:
    """What the library says of a generation config that it does not take, "" where it takes it."""
    try:
        transformers.GenerationConfig.from_pretrained(folder.path, local_files_only=True)
    except OSError:  # there is none
        return ""
    except Exception as error:  # noqa: BLE001
        return f"its generation_config.json is not understood: {short(error)}"
    return ""


def _align(model: Any, dtype: torch.dtype) -> None:
    """Where the library has unpacked quantized weights, the others kept the number format of their file."""
    weights = dict(model.named_parameters())
    if not all(weight.dtype in PLAIN for weight in weights.values()) or any(
        not buffer.is_floating_point() and buffer.numel() > 1 for buffer in model.buffers()
    ):
        return  # still packed
    wide = model._keep_in_fp32_modules or ()
    for name, weight in weights.items():
        if not any(part in wide for part in name.split(".")):
            weight.data = weight.data.to(dtype)


def _has_flash(device: str) -> bool:
    return device.startswith("cuda") and bool(transformers.utils.is_flash_attn_2_available())


def _reporting(report: Callable[[float], None]) -> Callable[..., Any]:
    """Counts what goes through the library's progress bars."""

    def make(factory: Callable[..., Any], arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        items = arguments[0] if arguments else named.get("iterable")
        return factory(*arguments, **named) if items is None else counted(items)

    def counted(items: Any) -> Any:
        total = len(items) if hasattr(items, "__len__") else 0
        for index, item in enumerate(items):
            yield item
            if total:
                report((index + 1) / total)

    return make


def _ends(model: Any, tokenizer: Any, vocabulary: int) -> frozenset[int]:
    found: set[int] = set()
    said = getattr(model.config.get_text_config(), "eos_token_id", None)
    for value in (model.generation_config.eos_token_id, said, tokenizer.eos_token_id):
        found |= token_ids(value, vocabulary)
    return frozenset(found | marked_ends(tokenizer.get_added_vocab()))


def marked_ends(added: Mapping[str, int]) -> set[int]:
    """The tokens that end an answer by what they are called. In harmony, told by its own two as
    llama.cpp does it, `<|end|>` ends a message, and another may follow."""
    marks = set(turn_ends.MARKS)
    if added.keys() >= set(HARMONY_ENDS):
        marks = marks - {END} | set(HARMONY_ENDS)
    return {added[mark] for mark in marks if mark in added}
