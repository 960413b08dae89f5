"""Models from Python: `LocalLLMProvider` for asyncio, `DirectModelWrapper` for plain code."""

from ai_pal.models.local import DirectModelWrapper, LocalLLMProvider
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

__all__ = ["DirectModelWrapper", "GenerationOptions", "LocalLLMProvider", "Message"]
