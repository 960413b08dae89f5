"""Models from Python: `LocalLLMProvider` for asyncio, `DirectModelWrapper` for plain code."""

from ai_pal.messages.chat import Message, Options
from ai_pal.models.local import DirectModelWrapper, LocalLLMProvider

__all__ = ["DirectModelWrapper", "LocalLLMProvider", "Message", "Options"]
