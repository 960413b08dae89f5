"""Routes for whoever runs this server. Each is given the parameters of its query and path."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.gateway.wire.statuses import sentence

RUNNING = b"AI-PAL speaks its protocol, so for its clients: Ollama is running\n"
"""What clients of Ollama look for."""


async def running(_: object, __: Mapping[str, str]) -> bytes:
    """GET /."""
    return RUNNING


async def alive(_: object, __: Mapping[str, str]) -> bytes:
    """GET /health: this process answers."""
    return msgspec.json.encode({"status": "ok"})


async def ready(client: AsyncClient, _: Mapping[str, str]) -> bytes:
    """GET /ready: the supervisor answers."""
    status = await client.status()
    return msgspec.json.encode({"status": "ready", "supervisor": status.version})


def error_body(error: AiPalError) -> dict[str, Any]:
    """What a failure is told as where no client's protocol says how."""
    return {"error": sentence(error.failure)}
