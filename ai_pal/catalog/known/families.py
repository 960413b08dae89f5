"""Models of today by family and size, as people type them: `qwen3.5:4b`. One line each.

Sizes in GB and repositories are as other tools list them in August 2026; some could not be verified. The
hub corrects them at the first pull: a quantization that is not there gives way to the nearest.
"""

from typing import NamedTuple

from ai_pal.catalog.known.model import KnownModel, Strength, Variant, gguf_memory
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.wanted import HubFiles

K = 1024
_CACHE = 1_000_000_000
"""Bytes of a context of 8192 tokens, for the choice only: 80 to 150 kB a token is usual."""

_QWEN = GenerationOptions(temperature=0.6, top_p=0.95, top_k=20)
_GEMMA = GenerationOptions(temperature=1.0, top_p=0.95, top_k=64)
_LLAMA = GenerationOptions(temperature=0.6, top_p=0.9)
_MISTRAL = GenerationOptions(temperature=0.15)

_LETTERS: dict[str, Strength] = {
    "V": "pictures",
    "T": "tools",
    "H": "thinking",
    "F": "fill-in",
    "E": "embeddings",
    "R": "rerank",
}


class _Size(NamedTuple):
    """One model of a family. `size` in GB to download, `parameters` in thousand millions; `context` and `can`
    where they are not the family's; `active` where not all parameters take part in each token."""

    tag: str
    repo: str
    quant: str
    size: float
    parameters: float
    context: int = 0
    can: str = ""
    active: float = 0


class _Family(NamedTuple):
    """What its models share. `can`: by the letters of `_LETTERS`. `context` in tokens."""

    name: str
    about: str
    licence: str
    context: int
    can: str
    sizes: tuple[_Size, ...]
    sampling: GenerationOptions = GenerationOptions()


_FAMILIES = (
    _Family(
        "qwen3.5", "Qwen3.5: general, sees pictures, from Alibaba", "Apache-2.0", 256 * K, "THV",
        (
            _Size("0.8b", "unsloth/Qwen3.5-0.8B-GGUF", "Q4_K_XL", 0.76, 0.8),
            _Size("2b", "unsloth/Qwen3.5-2B-GGUF", "Q4_K_XL", 2.01, 2),
            _Size("4b", "unsloth/Qwen3.5-4B-GGUF", "Q4_K_XL", 3.58, 4),
            _Size("9b", "unsloth/Qwen3.5-9B-GGUF", "Q4_K_XL", 6.88, 9),
        ),
        _QWEN,
    ),
    _Family(
        "qwen3.6", "Qwen3.6: general, sees pictures, from Alibaba", "Apache-2.0", 256 * K, "THV",
        (
            _Size("27b", "unsloth/Qwen3.6-27B-GGUF", "Q4_K_M", 18.5, 27),
            _Size("35b", "unsloth/Qwen3.6-35B-A3B-GGUF", "Q4_K_M", 23.3, 35, active=3),
        ),
        _QWEN,
    ),
    _Family(
        "qwen3", "Qwen3: general, from Alibaba", "Apache-2.0", 40 * K, "TH",
        (
            _Size("0.6b", "unsloth/Qwen3-0.6B-GGUF", "Q4_0", 0.38, 0.6),
            _Size("1.7b", "unsloth/Qwen3-1.7B-GGUF", "Q4_0", 1.06, 1.7),
            _Size("4b", "unsloth/Qwen3-4B-GGUF", "Q4_0", 2.38, 4),
            _Size("4b-2507", "unsloth/Qwen3-4B-Instruct-2507-GGUF", "Q4_K_M", 2.5, 4, 256 * K, "T"),
            _Size("8b", "unsloth/Qwen3-8B-GGUF", "Q4_1", 5.25, 8.2),
        ),
        _QWEN,
    ),
    _Family(
        "qwen3-coder", "Qwen3-Coder: code and agents, from Alibaba", "Apache-2.0", 256 * K, "TF",
        (_Size("30b", "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF", "Q4_K_M", 18.6, 30, active=3),),
        GenerationOptions(temperature=0.7, top_p=0.8, top_k=20, repeat_penalty=1.05),
    ),
    _Family(
        "qwen2.5-coder", "Qwen2.5-Coder: code, from Alibaba", "Apache-2.0", 32 * K, "TF",
        (
            _Size("1.5b", "bartowski/Qwen2.5-Coder-1.5B-Instruct-GGUF", "Q4_K_M", 1.12, 1.54),
            _Size("7b", "bartowski/Qwen2.5-Coder-7B-Instruct-GGUF", "Q4_K_M", 4.7, 7.6),
        ),
        GenerationOptions(temperature=0.7, top_p=0.8, top_k=20, repeat_penalty=1.1),
    ),
    _Family(
        "qwen3-vl", "Qwen3-VL: pictures and text, from Alibaba", "Apache-2.0", 256 * K, "TV",
        (
            _Size("4b", "Qwen/Qwen3-VL-4B-Instruct-GGUF", "Q4_K_M", 3.33, 4),
            _Size("8b", "Qwen/Qwen3-VL-8B-Instruct-GGUF", "Q4_K_M", 6.19, 8),
        ),
    ),
    _Family(
        "gemma4", "Gemma 4: general, sees pictures, from Google", "Apache-2.0", 128 * K, "THV",
        (
            _Size("e2b", "unsloth/gemma-4-E2B-it-GGUF", "Q4_K_M", 4.09, 5.1, active=2),
            _Size("e4b", "unsloth/gemma-4-E4B-it-GGUF", "Q4_K_M", 5.97, 8, active=4),
            _Size("12b", "unsloth/gemma-4-12b-it-GGUF", "Q4_K_M", 7.29, 12, 256 * K),
            _Size("26b", "unsloth/gemma-4-26B-A4B-it-GGUF", "Q4_K_M", 18.1, 26, 256 * K, active=4),
            _Size("31b", "unsloth/gemma-4-31B-it-GGUF", "Q4_K_M", 19.5, 31, 256 * K),
        ),
        _GEMMA,
    ),
    _Family(
        "gpt-oss", "gpt-oss: always thinks, with a level of effort, from OpenAI", "Apache-2.0", 128 * K, "TH",
        (_Size("20b", "ggml-org/gpt-oss-20b-GGUF", "MXFP4", 12.1, 20.9, active=3.6),),
        GenerationOptions(temperature=1.0, top_p=1.0),
    ),
    _Family(
        "glm-4.7-flash", "GLM-4.7-Flash: general and code, from Z.ai", "MIT", 202_752, "TH",
        (_Size("", "unsloth/GLM-4.7-Flash-GGUF", "Q4_K_M", 17.5, 30, active=3),),
        GenerationOptions(temperature=1.0, top_p=0.95),
    ),
    _Family(
        "llama3.2", "Llama 3.2: chat in many languages, from Meta", "Llama 3.2", 128 * K, "T",
        (_Size("1b", "bartowski/Llama-3.2-1B-Instruct-GGUF", "Q4_0", 0.73, 1.24),),
        _LLAMA,
    ),
    _Family(
        "llama3.1", "Llama 3.1: chat in many languages, from Meta", "Llama 3.1", 128 * K, "T",
        (_Size("8b", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "Q4_K_M", 4.91, 8.03),),
        _LLAMA,
    ),
    _Family(
        "phi-4-mini", "Phi-4-mini: chat and reasoning, from Microsoft", "MIT", 128 * K, "T",
        (_Size("", "unsloth/Phi-4-mini-instruct-GGUF", "Q4_K_M", 2.49, 3.8),),
    ),
    _Family(
        "ministral-3", "Ministral 3: general, sees pictures, from Mistral AI", "Apache-2.0", 256 * K, "TV",
        (_Size("3b", "mistralai/Ministral-3-3B-Instruct-2512-GGUF", "Q4_K_M", 2.99, 3),),
        _MISTRAL,
    ),
    _Family(
        "devstral-small-2", "Devstral Small 2: code and agents, from Mistral AI", "Apache-2.0", 256 * K, "T",
        (_Size("", "bartowski/mistralai_Devstral-Small-2-24B-Instruct-2512-GGUF", "Q4_K_M", 14.3, 24),),
        _MISTRAL,
    ),
    _Family(
        "granite4", "Granite 4.0: tools and documents, from IBM", "Apache-2.0", K * K, "T",
        (
            _Size("micro-h", "unsloth/granite-4.0-h-micro-GGUF", "Q4_K_M", 1.81, 3.2),
            _Size("tiny-h", "unsloth/granite-4.0-h-tiny-GGUF", "Q4_K_M", 4.25, 7, active=1),
        ),
    ),
    _Family(
        "lfm2.5", "LFM2.5: quick on small machines, from Liquid AI", "LFM Open License 1.0", 128 * K, "T",
        (
            _Size("1.2b", "LiquidAI/LFM2.5-1.2B-Instruct-GGUF", "Q4_K_M", 0.73, 1.2),
            _Size("8b-a1b", "LiquidAI/LFM2.5-8B-A1B-GGUF", "Q4_K_M", 5.16, 8.3, active=1),
        ),
    ),
    _Family(
        "minicpm5", "MiniCPM5: small and able, from OpenBMB", "Apache-2.0", 128 * K, "TH",
        (_Size("1b", "openbmb/MiniCPM5-1B-GGUF", "Q4_K_M", 0.69, 1),),
    ),
    _Family(
        "deepseek-r1", "DeepSeek-R1: always thinks, from DeepSeek", "MIT", 128 * K, "H",
        (_Size("8b", "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF", "Q4_1", 5.25, 8.2),),
        GenerationOptions(temperature=0.6, top_p=0.95),
    ),
    _Family(
        "nemotron-3-nano", "Nemotron 3 Nano: thinks, from NVIDIA", "NVIDIA Open Model License", 256 * K, "TH",
        (
            _Size(
                "30b", "lmstudio-community/NVIDIA-Nemotron-3-Nano-30B-A3B-GGUF", "Q4_K_M", 22.8, 30, active=3
            ),
        ),
    ),
    _Family(
        "smolvlm", "SmolVLM: the smallest that sees pictures, from Hugging Face", "Apache-2.0", 8 * K, "V",
        (_Size("256m", "ggml-org/SmolVLM-256M-Instruct-GGUF", "Q8_0", 0.3, 0.256),),
    ),
    _Family(
        "embeddinggemma", "EmbeddingGemma: texts as vectors, from Google", "Gemma", 2 * K, "E",
        (_Size("", "ggml-org/embeddinggemma-300M-GGUF", "Q8_0", 0.33, 0.3),),
    ),
    _Family(
        "qwen3-embedding", "Qwen3-Embedding: texts as vectors, from Alibaba", "Apache-2.0", 32 * K, "E",
        (_Size("0.6b", "Qwen/Qwen3-Embedding-0.6B-GGUF", "Q8_0", 0.64, 0.6),),
    ),
    _Family(
        "nomic-embed-text", "nomic-embed-text: texts as vectors, from Nomic", "Apache-2.0", 8 * K, "E",
        (_Size("", "nomic-ai/nomic-embed-text-v1-GGUF", "Q4_K_M", 0.08, 0.137),),
    ),
    _Family(
        "bge-reranker-v2-m3", "BGE reranker: sorts texts by a question, from BAAI", "Apache-2.0", 8 * K, "R",
        (_Size("", "pqnet/bge-reranker-v2-m3-Q8_0-GGUF", "Q8_0", 0.64, 0.57),),
    ),
)  # fmt: skip


def _model(family: _Family, one: _Size) -> KnownModel:
    size = int(one.size * 1e9)
    wanted = HubFiles(one.repo, gguf=one.quant, nearest=True)
    return KnownModel(
        name=f"{family.name}:{one.tag}" if one.tag else family.name,
        about=family.about,
        licence=family.licence,
        parameters=int(one.parameters * 1e9),
        active=int(one.active * 1e9),
        context=one.context or family.context,
        sampling=family.sampling,
        strengths=tuple(word for letter, word in _LETTERS.items() if letter in (one.can or family.can)),
        variants=(
            Variant(one.quant.lower(), "llamacpp", wanted, size, gguf_memory(size, _CACHE), ("llamacpp",)),
        ),
    )


FAMILY_MODELS: tuple[KnownModel, ...] = tuple(
    _model(family, one) for family in _FAMILIES for one in family.sizes
)

FAMILIES: dict[str, tuple[str, ...]] = {
    family.name: tuple(f"{family.name}:{one.tag}" for one in family.sizes)
    for family in _FAMILIES
    if all(one.tag for one in family.sizes) and family.name != "llama3.2"
}
"""The models of each family whose bare name is no model of its own, as they are listed."""
