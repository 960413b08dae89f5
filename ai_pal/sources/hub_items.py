"""Models as the hub lists them, made into what can be pulled and run here. Pure."""

from collections.abc import Iterable

import msgspec

from ai_pal.catalog.known.model import gguf_memory
from ai_pal.catalog.known.names import gguf_size
from ai_pal.catalog.weights import layout
from ai_pal.catalog.weights.ggufs import quants, usual
from ai_pal.catalog.weights.own import memory as own_memory
from ai_pal.errors import AiPalError
from ai_pal.formats.safetensors import BITS
from ai_pal.protocol.hub import HubModel, Order

FIELDS = (
    *(
        "downloads",
        "likes",
        "tags",
        "gated",
        "pipeline_tag",
        "library_name",
        "siblings",
        "gguf",
        "safetensors",
    ),
    *("config", "lastModified", "trendingScore"),
)
"""What is asked for of each model."""

TASKS = frozenset(
    {
        *(
            "text-generation",
            "text2text-generation",
            "image-text-to-text",
            "any-to-any",
            "audio-text-to-text",
        ),
        *("feature-extraction", "sentence-similarity", "text-ranking", "text-classification", "translation"),
        *("summarization", "question-answering", "conversational", "image-to-text", ""),
    }
)
"""What our engines do; a model that does not say is let through."""

_FOREIGN = frozenset({"mlx", "diffusers", "peft", "timm", "keras", "open_clip", "ctranslate2", "exllamav2"})
"""Libraries whose safetensors are of another kind than transformers'."""

_SEPARATELY = frozenset({"gptq", "awq", "exl2", "exl3", "mlx"})
"""Forms that transformers reads only with a package that we do not bring."""


class _File(msgspec.Struct):
    rfilename: str = ""


class _Gguf(msgspec.Struct):
    total: int = 0
    context_length: int = 0


class _Safetensors(msgspec.Struct):
    parameters: dict[str, int] = {}
    total: int = 0


class _Config(msgspec.Struct):
    model_type: str | None = None


class Item(msgspec.Struct, rename={"updated": "lastModified", "trending": "trendingScore"}):
    """One model of a list, as the hub's API sends it."""

    id: str
    downloads: int | None = None
    likes: int | None = None
    tags: list[str] = []
    gated: bool | str | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    siblings: list[_File] | None = None
    gguf: _Gguf | None = None
    safetensors: _Safetensors | None = None
    config: _Config | None = None
    updated: str | None = None
    trending: float | None = None


def ranked(items: Iterable[Item], order: Order, limit: int) -> list[HubModel]:
    """Those that can run here, each once, the first of its kind first."""
    once = {item.id: item for item in items}
    models = []
    for item in sorted(once.values(), key=lambda item: _rank(item, order), reverse=True):
        found = _gguf_model(item) or _transformers_model(item)
        if found is not None and (item.pipeline_tag or "") in TASKS:
            models.append(found)
    return models[:limit]


def _rank(item: Item, order: Order) -> tuple[float, str]:
    match order:
        case "downloads":
            return item.downloads or 0, ""
        case "likes":
            return item.likes or 0, ""
        case "trending":
            return item.trending or 0, ""
        case "updated":
            return 0, item.updated or ""


def _gguf_model(item: Item) -> HubModel | None:
    names = _names(item)
    found = quants(names)
    if not found:
        return None
    facts = item.gguf or _Gguf()
    quant = usual(found)
    size = gguf_size(facts.total, quant) if facts.total else 0
    return _model(
        item,
        name=f"{item.id}:{quant}",
        engine="llamacpp",
        size=size,
        memory=gguf_memory(size, 0) if size else 0,
        parameters=facts.total,
        context=facts.context_length,
        quants=found,
    )


def _transformers_model(item: Item) -> HubModel | None:
    kind = (item.config and item.config.model_type) or ""
    own_code = "custom_code" in item.tags and not (kind and layout.is_native(kind))
    if own_code or item.library_name in _FOREIGN or _SEPARATELY & set(item.tags):
        return None
    try:
        layout.check_names(_names(item), item.id)
    except AiPalError:
        return None
    weights = item.safetensors or _Safetensors()
    size = sum(count * BITS.get(kind, 8) // 8 for kind, count in weights.parameters.items())
    memory = own_memory(size) if size else 0
    return _model(
        item, name=item.id, engine="transformers", size=size, memory=memory, parameters=weights.total
    )


def _model(item: Item, **facts: object) -> HubModel:
    licence = next((tag for tag in item.tags if tag.startswith("license:")), "").removeprefix("license:")
    said = {
        "downloads": item.downloads or 0,
        "likes": item.likes or 0,
        "licence": licence,
        "gated": bool(item.gated),
        "task": item.pipeline_tag or "",
        "updated": (item.updated or "")[:10],
    }
    return msgspec.convert(said | facts, HubModel)


def _names(item: Item) -> list[str]:
    return [file.rfilename for file in item.siblings or ()]
