"""Small random models that see, of real classes, saved as Hugging Face folders with their processors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiny_models import byte_level

SIDE, PATCH = 16, 4
"""Pixels of a picture and of a patch: 16 patches, of which some classes make 4 tokens."""
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EYE: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}
TEMPLATE = (
    "{%% for message in messages %%}<|{{ message.role }}|>\n"
    "{%% if message.content is string %%}{{ message.content }}"
    "{%% else %%}{%% for part in message.content %%}"
    "{%% if part.type == 'image' %%}%s{%% else %%}{{ part.text }}{%% endif %%}"
    "{%% endfor %%}{%% endif %%}<|end|>\n{%% endfor %%}"
    "{%% if add_generation_prompt %%}<|assistant|>\n{%% endif %%}"
)


def save(folder: Path, kind: str) -> Path:
    """A model of this type, random but always the same."""
    import torch
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(5)
    config, processor = KINDS[kind]()
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    processor.tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(mark: str, *special: str, **named: str) -> Any:
    """`mark` is what the template puts where a picture stands."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = byte_level()
    tokenizer.add_special_tokens(list(special))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        extra_special_tokens=named,
    )
    wrapped.chat_template = TEMPLATE % mark
    return wrapped


def _config(kind: str, tokenizer: Any, text: dict[str, Any], vision: dict[str, Any], **more: Any) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(
        kind, text_config=TEXT | {"vocab_size": len(tokenizer)} | text, vision_config=vision, **more
    )


def _llava() -> tuple[Any, Any]:
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = _tokenizer("<image>", "<image>")
    config = _config(
        "llava",
        tokenizer,
        {"model_type": "llama"},
        EYE | {"model_type": "clip_vision_model", "projection_dim": 16},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    pictures = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return config, LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


def _gemma3() -> tuple[Any, Any]:
    from transformers import Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = _tokenizer(
        "<start_of_image>",
        *("<start_of_image>", "<end_of_image>", "<image_soft_token>"),
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
        image_token="<image_soft_token>",
    )
    config = _config(
        "gemma3",
        tokenizer,
        {"sliding_window": 24, "query_pre_attn_scalar": 8},
        EYE,
        mm_tokens_per_image=4,
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
    )
    pictures = Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE})
    return config, Gemma3Processor(pictures, tokenizer, image_seq_length=4)


def _idefics3() -> tuple[Any, Any]:
    from transformers import Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    places = [f"<row_{row + 1}_col_{column + 1}>" for row in range(6) for column in range(6)]
    marks = ["<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
    tokenizer = _tokenizer("<image>", *marks, *places)
    config = _config(
        "idefics3",
        tokenizer,
        {"model_type": "llama", "pad_token_id": 2},
        EYE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE}
    )
    return config, Idefics3Processor(pictures, tokenizer, image_seq_len=4)


def _qwen(kind: str, vision: dict[str, Any]) -> tuple[Any, Any]:
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from workers.engines.transformers.loading.loading import for_pictures

    begin, end, image, video = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
    tokenizer = _tokenizer(begin + image + end, begin, end, image, video)
    positions = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    config = _config(
        kind,
        tokenizer,
        {"rope_parameters": positions},
        {
            "depth": 2,
            "num_heads": 2,
            "patch_size": PATCH,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            **vision,
        },
        image_token_id=tokenizer.convert_tokens_to_ids(image),
        video_token_id=tokenizer.convert_tokens_to_ids(video),
        vision_start_token_id=tokenizer.convert_tokens_to_ids(begin),
        vision_end_token_id=tokenizer.convert_tokens_to_ids(end),
    )
    pictures = Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        merge_size=2,
        temporal_patch_size=2,
        size={"shortest_edge": 4 * SIDE, "longest_edge": 4 * SIDE**2},
    )
    processor = for_pictures(PROCESSOR_MAPPING[type(config)])
    return config, processor(image_processor=pictures, tokenizer=tokenizer)


KINDS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "llava": _llava,
    "gemma3": _gemma3,
    "idefics3": _idefics3,
    "qwen2_vl": lambda: _qwen("qwen2_vl", {"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 2}),
    "qwen2_5_vl": lambda: _qwen(
        "qwen2_5_vl",
        {
            "hidden_size": 16,
            "out_hidden_size": 32,
            "intermediate_size": 32,
            "window_size": 16,
            "fullatt_block_indexes": [1],
        },
    ),
    "qwen3_vl": lambda: _qwen(
        "qwen3_vl",
        {
            "hidden_size": 16,
            "out_hidden_size": 32,
            "intermediate_size": 32,
            "deepstack_visual_indexes": [0],
            "num_position_embeddings": 64,
        },
    ),
}
