"""What a loaded model cannot do is refused before its engine sees it. Pure."""

from collections.abc import Collection

from ai_pal.errors import Code, fail
from ai_pal.protocol import needs
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import CompleteText, EmbedTexts, Ready, RerankTexts
from workers.engines.base import Job


def check_able(job: Job, ready: Ready, model: str) -> None:
    """Raises `AiPalError` (`unsupported`, `bad_request`), naming what is missing."""
    for need in needs_of(job):
        if need not in ready.abilities:
            fail(Code.UNSUPPORTED, f"{model} cannot {needs.WHAT[need]}", _hint(need, ready.abilities))
    if isinstance(job, EmbedTexts | RerankTexts):
        return
    if job.options.lora:
        fail(
            Code.UNSUPPORTED,
            f"{model} is loaded, adapters (lora) are for its load",
            f"ask for {model}?lora=FILE",
        )
    if isinstance(job, CompleteText) and job.options.prefill and not isinstance(job.prompt, str):
        fail(Code.BAD_REQUEST, "a prompt of tokens takes no prefill", "add its tokens to the prompt")
    wanted = job.options.context or 0
    if 0 < ready.context < wanted:
        message = f"{model} has a window of {ready.context} tokens, {wanted} are asked for"
        fail(Code.UNSUPPORTED, message, f"load it with a larger one: {model}?context={wanted}")


def needs_of(job: Job) -> list[Ability]:
    """The abilities that a job asks for."""
    match job:
        case EmbedTexts():
            return ["embed"]
        case RerankTexts():
            return ["rerank"]
        case CompleteText():
            kind: Ability = "complete" if job.suffix is None else "infill"
            needed = needs.of_options(job.options)
            scored: list[Ability] = ["logprobs"] if job.prompt_logprobs and "logprobs" not in needed else []
            return [kind, *needed, *scored]
        case _:
            return needs.of_chat(job.messages, job.options)


def _hint(need: Ability, abilities: Collection[Ability]) -> str:
    if need == "chat" and "embed" in abilities:
        return "it turns texts into vectors: ask a model that was made for conversations"
    return needs.WHO.get(need, "ask another model, or leave it out")
