"""Ollama's /api/blobs/{digest}: files that are to be models, sent before `/api/create` names them."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

from ai_pal.catalog.caches import uploads
from ai_pal.catalog.weights.files import GGUF_MAGIC
from ai_pal.client import AsyncClient
from ai_pal.config import load_settings
from ai_pal.errors import Code, Failure, fail
from ai_pal.gateway.asking.asked import Told
from ai_pal.gateway.wire.statuses import StatusError

AT_ONCE = 4 << 20
"""Bytes that are gathered before a thread writes them."""

TEXT = "text/plain"


async def is_here(_: AsyncClient, asked: Mapping[str, str]) -> Told:
    """HEAD: whether this file is here. Raises `AiPalError`."""
    sha256 = uploads.sha256_in(asked["digest"])
    there = uploads.place(sha256, load_settings().settings)
    if not await asyncio.to_thread(there.is_file):
        raise StatusError(404, Failure(Code.BAD_REQUEST, f"blob {asked['digest']!r} not found"))
    return Told(b"", TEXT)


async def take(pieces: AsyncIterator[bytes], asked: Mapping[str, str], size: int) -> Told:
    """POST: keep it, once all of it has come and is what its name says. `size` is 0 where nobody has said it.
    Raises `AiPalError`."""
    sha256 = uploads.sha256_in(asked["digest"])
    settings = load_settings().settings
    target = uploads.place(sha256, settings)
    await asyncio.to_thread(uploads.sweep, settings, time.time())
    if await asyncio.to_thread(target.is_file):
        return Told(b"", TEXT)
    with uploads.upload(settings) as coming:
        await asyncio.to_thread(coming.check_space, size)
        waiting = bytearray()
        async for piece in pieces:
            waiting += piece
            if not coming.size and len(waiting) >= len(GGUF_MAGIC):
                _check_kind(waiting)
            if len(waiting) >= AT_ONCE:
                await asyncio.to_thread(coming.write, bytes(waiting))
                waiting.clear()
        if not coming.size:
            _check_kind(waiting)
        await asyncio.to_thread(coming.write, bytes(waiting))
        await asyncio.to_thread(coming.install, sha256, target)
    return Told(b"", TEXT, status=201)


def _check_kind(begun: bytearray) -> None:
    """Raises `AiPalError`: what begins so is no model file."""
    if begun[: len(GGUF_MAGIC)] != GGUF_MAGIC:
        hint = "make a GGUF file of it first; parts of models and adapters in other formats are not taken"
        fail(Code.BAD_REQUEST, "this is no GGUF file", hint)
