"""What can be asked of this engine, at load and per request."""

import sys
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.value_rules import field_in_words
from workers.engines.option_names import refuse_unknown

Anything = TypeVar("Anything", bound=msgspec.Struct)
LARGEST = sys.float_info.max
Part = Annotated[float, msgspec.Meta(ge=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=LARGEST)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=LARGEST)]
Finite = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Count = Annotated[int, msgspec.Meta(ge=0)]
TopK = Annotated[int, msgspec.Meta(ge=-1)]

GENERAL = ("threads", "context", "slots", "gpu_layers")
"""Options of every engine, which come as fields of their own too."""


class LoadOptions(msgspec.Struct, frozen=True):
    """`LoadModel.options`; empty means: chosen for this machine and model.

    `chunk` is the prompt tokens computed between two looks at cancellations, `prompt_cache_mib` what may
    be kept of finished conversations, `chat_format` one of `chat.FORMATS` for models without a template,
    `lora` names adapters, `speculate` is what guesses tokens: what was said before (`ngram`), where rows can
    be packed (`auto`), or nothing.
    """

    dtype: str = ""
    device: str = ""
    quantize: Literal["", "8bit", "4bit"] = ""
    attn_implementation: str = ""
    chat_format: str = ""
    chunk: int = 0
    prompt_cache_mib: int = 256
    lora: list[str] = []
    speculate: Literal["", "auto", "ngram", "off"] = ""


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is chosen; None is the model's own default. Temperature 0 takes the likeliest,
    `top_k` 0 and -1 choose from all.

    `logprobs` is how many alternatives to each token are told, None tells nothing."""

    temperature: NotNegative | None = None
    top_p: Part | None = None
    top_k: TopK | None = None
    min_p: Part | None = None
    presence_penalty: Finite | None = None
    frequency_penalty: Finite | None = None
    repeat_penalty: Positive | None = None
    logit_bias: dict[Count, Finite] = {}
    logprobs: Count | None = None
    seed: int | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    ignore_eos: bool = False


def read_sampling(options: GenerationOptions) -> Sampling:
    """`extra` fills in what has no field of its own. Raises `AiPalError` (`bad_request`)."""
    asked = dict(options.extra)
    for name in OPTION_FIELDS:
        if (value := getattr(options, name)) not in (None, {}):
            asked[name] = value
    refuse_unknown(asked, Sampling.__struct_fields__, "the transformers engine")
    return _convert(asked, Sampling, Code.BAD_REQUEST)


OPTION_FIELDS = [name for name in Sampling.__struct_fields__ if name != "ignore_eos"]
"""Those that are fields of `GenerationOptions` too."""


def read_load_options(options: dict[str, Any]) -> LoadOptions:
    """Raises `AiPalError` (`config_invalid`)."""
    known = (*LoadOptions.__struct_fields__, *GENERAL)
    refuse_unknown(options, known, "the transformers engine", Code.CONFIG_INVALID)
    return _convert(options, LoadOptions, Code.CONFIG_INVALID)


def _convert(values: dict[str, Any], into: type[Anything], code: Code) -> Anything:
    try:
        return msgspec.convert(values, into, strict=False)
    except msgspec.ValidationError as error:
        what = field_in_words(error, into)
        fail(code, f"an option of the transformers engine is wrong: {what}", "correct it and ask again")
