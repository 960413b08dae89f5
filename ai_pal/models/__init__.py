"""Models from Python: `LocalLLMProvider` for asyncio, `DirectModelWrapper` for plain code."""

from ai_pal.models.local import DirectModelWrapper, LocalLLMProvider
from ai_pal.protocol.chat import Message, Options

__all__ = ["DirectModelWrapper", "LocalLLMProvider", "Message", "Options"]
