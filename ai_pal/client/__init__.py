"""Clients of a supervisor: `Client` for plain code, `AsyncClient` for a running event loop."""

from typing import TYPE_CHECKING

from ai_pal.client.answer import Answer
from ai_pal.client.stream import AnswerStream
from ai_pal.client.sync_client import Client
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

if TYPE_CHECKING:
    from ai_pal.client.async_client import AsyncClient
    from ai_pal.client.scene import Scene

__all__ = ["Answer", "AnswerStream", "AsyncClient", "Client", "GenerationOptions", "Message", "Scene"]


def __getattr__(name: str) -> object:
    # asyncio is half of the import time of a one-shot chat, which does not need it.
    if name == "AsyncClient":
        from ai_pal.client.async_client import AsyncClient

        return AsyncClient
    if name == "Scene":
        from ai_pal.client.scene import Scene

        return Scene
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
