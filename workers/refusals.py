"""What a loaded model cannot do is refused before its engine sees it. Pure."""

from collections.abc import Collection

from ai_pal.errors import Code, fail
from ai_pal.protocol import needs
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import CompleteText, EmbedTexts, RerankTexts
from workers.engines.base import Job


def check_abilities(job: Job, abilities: Collection[Ability], model: str) -> None:
    """Raises `AiPalError` (`unsupported`), naming what is missing."""
    for need in needs_of(job):
        if need not in abilities:
            fail(Code.UNSUPPORTED, f"{model} cannot {needs.WHAT[need]}", _hint(need, abilities))


def needs_of(job: Job) -> list[Ability]:
    """The abilities that a job asks for."""
    match job:
        case EmbedTexts():
            return ["embed"]
        case RerankTexts():
            return ["rerank"]
        case CompleteText():
            kind: Ability = "complete" if job.suffix is None else "infill"
            return [kind, *needs.of_options(job.options)]
        case _:
            return needs.of_chat(job.messages, job.options)


def _hint(need: Ability, abilities: Collection[Ability]) -> str:
    if need == "chat" and "embed" in abilities:
        return "it turns texts into vectors: ask a model that was made for conversations"
    if need in ("embed", "rerank"):
        return f"ask a model that was made to {needs.WHAT[need]}"
    return "ask another model, or leave it out"
