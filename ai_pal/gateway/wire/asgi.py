"""What uvicorn and this application hand each other for one request, by ASGI's names."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ai_pal.errors import AiPalError, Code, Failure

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LEFT = AiPalError(Failure(Code.CANCELLED, "the client left"))
"""What work for a client ends with when that client has closed its connection."""
