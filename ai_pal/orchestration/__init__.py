"""All tiers from Python: `MultiModelOrchestrator` lets the router choose who answers, and says who it was."""

from ai_pal.models.failure import LocalMethodsError
from ai_pal.models.local import LocalLLMProvider
from ai_pal.orchestration.orchestrator import MultiModelOrchestrator
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

__all__ = ["GenerationOptions", "LocalLLMProvider", "LocalMethodsError", "Message", "MultiModelOrchestrator"]
