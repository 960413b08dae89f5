"""What it means that an answer is none, or tells of an error: in the words of the server that sent it."""

import re

from ai_pal.egress.providers.events import Told, Unreadable
from ai_pal.egress.providers.failures import failure, of_event, words
from ai_pal.errors import Code, Failure
from ai_pal.messages.egress import Api, Provider

SERVERS: dict[Api, str] = {
    "ollama": "an Ollama",
    "openai": "a server of OpenAI's protocol",
    "anthropic": "a server of Anthropic's protocol",
    "cohere": "a server of Cohere's protocol",
}
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style).*?</\1|<[^>]*>", re.IGNORECASE | re.DOTALL)


def of_reading(provider: Provider, model: str, error: Exception) -> Failure | None:
    """The failure of an answer that could be received and not be read; None for other errors."""
    if isinstance(error, Told):
        return of_event(provider.name, model, error.body)
    if not isinstance(error, Unreadable):
        return None
    name, said = provider.name, error.said.strip()
    if error.begun:
        message = f"the answer from {name} broke off: it sent what cannot be read"
        return failure(Code.STREAM_BROKEN, message, "try again", detail=words(said))
    hint = f"check base_url of {name}: it must be that of {SERVERS[provider.api]}"
    if not said:
        return failure(Code.EMPTY_ANSWER, f"{name} sent an empty answer", hint)
    if said.startswith("<"):
        message = f"{name} sent a web page instead of an answer"
        return failure(Code.PROVIDER_REFUSED, message, hint, detail=words(_page(said)))
    return failure(Code.PROVIDER_REFUSED, f"{name} sent what is no answer", hint, detail=words(said))


def _page(html: str) -> str:
    """What a page is about."""
    title = _TITLE.search(html)
    return title[1] if title else _TAG.sub(" ", html)
