"""What it means that an answer is none, or tells of an error: in the words of the server that sent it."""

from ai_pal.egress.providers.answers.events import Told, Unreadable
from ai_pal.egress.providers.failures.error_body import one_line, read, words
from ai_pal.egress.providers.failures.taxonomy import failure, of_event
from ai_pal.errors import Code, Failure
from ai_pal.protocol.provider import Api, Provider

SERVERS: dict[Api, str] = {
    "ollama": "an Ollama",
    "openai": "a server of OpenAI's protocol",
    "anthropic": "a server of Anthropic's protocol",
    "cohere": "a server of Cohere's protocol",
}


def of_reading(provider: Provider, model: str, error: Exception) -> Failure | None:
    """The failure of an answer that could be received and not be read; None for other errors."""
    if isinstance(error, Told):
        return of_event(provider.name, model, error.body)
    if not isinstance(error, Unreadable):
        return None
    name, said = provider.name, error.said.strip()
    if error.begun:
        message = f"the answer from {name} broke off: it sent what cannot be read"
        return failure(Code.STREAM_BROKEN, message, "try again", detail=one_line(said))
    hint = f"check base_url of {name}: it must be that of {SERVERS[provider.api]}"
    if not said:
        return failure(Code.EMPTY_ANSWER, f"{name} sent an empty answer", hint)
    what = "a web page instead of an answer" if read(said).page else "what is no answer"
    detail = words(said) or one_line(said)
    return failure(Code.PROVIDER_REFUSED, f"{name} sent {what}", hint, detail=detail)
