"""Ollama's store: a manifest per model that names blobs by their hashes. Its layout is that of OCI images
(https://github.com/ollama/ollama/blob/main/docs/faq.mdx tells where it lies)."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.catalog.stores.places import user_home
from ai_pal.catalog.stores.stored import Stored
from ai_pal.protocol.options import GenerationOptions

STORE = "Ollama"

_MODEL = "application/vnd.ollama.image.model"
_PROJECTOR = "application/vnd.ollama.image.projector"
_PARAMETERS = "application/vnd.ollama.image.params"
_ADAPTER = "application/vnd.ollama.image.adapter"
_MANIFEST_BYTES = 1_000_000

_SAME = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
"""Parameters that mean here what they mean there."""


class _Layer(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    digest: str
    size: int = 0


class _Manifest(msgspec.Struct, frozen=True):
    layers: list[_Layer] = []


def models(environ: Mapping[str, str] = os.environ) -> Iterator[Stored]:
    """The models with weights of their own on this disk; those of its cloud have none."""
    for root in _roots(environ):
        for manifest in sorted((root / "manifests").glob("*/*/*/*")):
            with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
                found = _stored(root, manifest)
                if found is not None:
                    yield found


def _roots(environ: Mapping[str, str]) -> Iterator[Path]:
    """Of the user's own server, else of the service that its installer sets up."""
    if chosen := environ.get("OLLAMA_MODELS"):
        yield Path(chosen)
        return
    yield user_home(environ) / ".ollama/models"
    yield Path("/usr/share/ollama/.ollama/models")


def _stored(root: Path, manifest: Path) -> Stored | None:
    if manifest.stat().st_size > _MANIFEST_BYTES:
        return None
    layers = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    of = {layer.media_type: _blob(root, layer.digest) for layer in reversed(layers)}
    model = of.get(_MODEL)
    if model is None or _ADAPTER in of:
        return None
    name = _name(*manifest.relative_to(root / "manifests").parts)
    projector, parameters = of.get(_PROJECTOR), of.get(_PARAMETERS)
    return Stored(
        STORE,
        name,
        str(model),
        model.stat().st_size if model.is_file() else 0,
        projector=str(projector) if projector is not None and projector.is_file() else "",
        sampling=_sampling(parameters.read_bytes())
        if parameters is not None and parameters.is_file()
        else GenerationOptions(),
        remove=f"ollama rm {name}",
        problem=next(filter(None, (_lack(root, layer) for layer in layers)), ""),
        mend=f"ollama pull {name}",
    )


def _lack(root: Path, layer: _Layer) -> str:
    """What is wrong with a part of a model, if it is one that is used here."""
    if layer.media_type not in (_MODEL, _PROJECTOR, _PARAMETERS):
        return ""
    blob = _blob(root, layer.digest)
    if not blob.is_file():
        return f"Ollama's store lacks {blob.name}"
    size = blob.stat().st_size
    return f"{blob} has {size:,} bytes instead of {layer.size:,}" if layer.size not in (0, size) else ""


def _name(host: str, namespace: str, model: str, tag: str) -> str:
    """As `ollama list` calls it; what is of the hub as everybody does."""
    if host in ("hf.co", "huggingface.co"):
        return f"{namespace}/{model}:{tag}"
    if host != "registry.ollama.ai":
        return f"{host}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace == "library" else f"{namespace}/{model}:{tag}"


def _blob(root: Path, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not value.isalnum():
        raise ValueError(f"no digest: {digest!r}")
    return root / "blobs" / f"sha256-{value}"


def _sampling(parameters: bytes) -> GenerationOptions:
    """What of a Modelfile's parameters is said of sampling. Raises ValueError or `msgspec.MsgspecError`."""
    given = msgspec.json.decode(parameters, type=dict[str, Any])
    taken = {name: given[name] for name in _SAME if name in given}
    if stop := given.get("stop"):
        taken["stop"] = [stop] if isinstance(stop, str) else stop
    if (most := given.get("num_predict", -1)) > 0:
        taken["max_tokens"] = most
    return msgspec.convert(taken, GenerationOptions, strict=False)
