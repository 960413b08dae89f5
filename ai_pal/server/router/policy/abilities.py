"""What a candidate lacks of what a request needs. Pure."""

from collections.abc import Sequence

from ai_pal.catalog.weights.abilities import EMBEDS, RANKS
from ai_pal.errors import Code, Failure
from ai_pal.protocol import needs
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.providers.abilities import lacking, unsupported
from ai_pal.server.router.policy.candidate import Candidate

HINT = "leave it out, or ask another model"


def is_plain(messages: Sequence[Message], options: GenerationOptions) -> bool:
    """Whether it is a chat that everyone who chats can answer."""
    special = options.tools or options.response_format or options.logprobs is not None
    thinks = options.thinking not in (None, "off") or options.thinking_budget
    if special or options.prefill or options.context or options.lora or thinks:
        return False
    return all(isinstance(message.content, str) for message in messages)


def lacks(candidate: Candidate, messages: Sequence[Message], options: GenerationOptions) -> Failure | None:
    """Why it cannot do what is asked for; None where it can, and where nobody knows before its load."""
    if candidate.server is not None:
        missing = lacking(candidate.server, candidate.model, messages, options)
        return unsupported(candidate.server, candidate.model, missing) if missing else None
    if candidate.abilities is not None:
        cannot = [need for need in needs.of_chat(messages, options) if need not in candidate.abilities]
        if cannot:
            what = " or ".join(needs.WHAT[need] for need in cannot)
            return Failure(Code.UNSUPPORTED, f"{candidate.name} cannot {what}", _hint(candidate, cannot))
    if options.context and 0 < candidate.window < options.context:
        windows = f"has a window of {candidate.window} tokens, {options.context} are asked for"
        hint = "ask for less, or load it with a larger `context`"
        return Failure(Code.UNSUPPORTED, f"{candidate.name} {windows}", hint)
    return None


def _hint(candidate: Candidate, cannot: Sequence[Ability]) -> str:
    if candidate.abilities == EMBEDS:
        return "it turns texts into vectors: ask a model that was made for conversations"
    if candidate.abilities == RANKS:
        return "it says how well texts answer a query: ask a model that was made for conversations"
    return next((needs.WHO[need] for need in cannot if need in needs.WHO), HINT)
