"""What models there are, and which are loaded, as Ollama lists them."""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ai_pal.catalog.inventory.details import Details
from ai_pal.client import AsyncClient
from ai_pal.gateway.asking import facts, presets
from ai_pal.gateway.asking.askable import Askable, askable
from ai_pal.gateway.ollama.answers import stamp
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import client as wire

YEARS = 10 * 365 * 86400
"""In how many seconds something is unloaded that stays."""


class NamedBody(msgspec.Struct):
    """A body that names a model; older clients call it `name`."""

    model: str | None = None
    name: str | None = None


_CAPABILITIES = (("tools", "tools"), ("fill-in", "insert"), ("pictures", "vision"), ("thinking", "thinking"))


def named(body: NamedBody) -> str:
    """The model that is meant. Raises `BodyError`: none."""
    if not (name := (body.model or body.name or "").strip()):
        raise BodyError("model is required", "model", "GET /api/tags lists what is here")
    return name


async def tags(client: AsyncClient, _: Mapping[str, str]) -> bytes:
    """GET /api/tags: what can be asked."""
    return msgspec.json.encode({"models": [_tag(one) for one in await askable(client)]})


async def ps(client: AsyncClient, _: Mapping[str, str]) -> bytes:
    """GET /api/ps: what is loaded."""
    workers = _by_model([one for one in (await client.status()).workers if one.pid and not one.vocabulary])
    known = await facts.details_by_name(client, [one.model for one in workers])
    listed = {one.name: one for one in await client.models()} if workers else {}
    called = await asyncio.to_thread(presets.loads) if workers else {}
    found = [
        _loaded(one, called.get(one.model, one.model), known.get(one.model, Details()), listed.get(one.model))
        for one in workers
    ]
    return msgspec.json.encode({"models": found})


def capabilities(known: Details) -> list[str]:
    """What it was made for, in Ollama's words; it has none for what ranks texts."""
    if known.able is not None and "chat" not in known.able:
        return ["embedding"] if "embed" in known.able else []
    return ["completion", *(theirs for ours, theirs in _CAPABILITIES if ours in known.strengths)]


def _tag(one: Askable) -> dict[str, Any]:
    name = _named(one.name)
    return {
        "name": name,
        "model": name,
        "modified_at": stamp(one.known.modified),
        "size": one.info.size if one.info else 0,
        "digest": _digest(one.name, one.info),
        "details": details(one.known),
        "capabilities": capabilities(one.known),
    }


def _by_model(workers: Sequence[wire.WorkerStatus]) -> list[wire.WorkerStatus]:
    """Replicas as one: here a model is listed once."""
    found: dict[str, wire.WorkerStatus] = {}
    for one in workers:
        other = found.get(one.asked_as)
        memory = one.memory + (other.memory if other else 0)
        found[one.asked_as] = msgspec.structs.replace(
            other or one, model=one.asked_as, replica=1, memory=memory
        )
    return list(found.values())


def _loaded(
    worker: wire.WorkerStatus, name: str, known: Details, info: wire.ModelInfo | None
) -> dict[str, Any]:
    name = _named(name)
    left = worker.unloads_in if worker.unloads_in is not None else max(0.0, worker.keep_alive)
    return {
        "name": name,
        "model": name,
        "size": worker.memory,
        "size_vram": 0,
        "digest": _digest(worker.model, info),
        "details": details(known),
        "expires_at": stamp(time.time() + (YEARS if worker.keep_alive < 0 else left)),
        "context_length": worker.context,
    }


def _digest(name: str, info: wire.ModelInfo | None) -> str:
    """What tells models apart: the same wherever one is listed, another when its files have changed."""
    identity = f"{info.path} {info.size} {info.revision}" if info else name
    return hashlib.sha256(identity.encode()).hexdigest()


def _named(name: str) -> str:
    """Ollama's names always have a tag."""
    return name if ":" in name else f"{name}:latest"


def details(known: Details) -> dict[str, Any]:
    """What it is in figures, as each list has it."""
    return {
        "parent_model": "",
        "format": known.format,
        "family": known.architecture,
        "families": [known.architecture] if known.architecture else [],
        "parameter_size": _size(known.parameters),
        "quantization_level": known.quantization,
        **({"context_length": known.context} if known.context else {}),
        **({"embedding_length": known.width} if known.width else {}),
    }


def _size(parameters: int) -> str:
    if parameters >= 1e9:
        return f"{parameters / 1e9:.1f}B"
    return f"{parameters / 1e6:.2f}M" if parameters else ""
