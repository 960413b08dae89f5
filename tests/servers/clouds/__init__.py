"""The three clouds on loopback, as strict as their references: what they document as refused is refused, in
their words. Each answers with the last message, a word a token."""

from ai_pal.protocol.provider import Api
from tests.servers.clouds import anthropic, cohere, openai
from tests.servers.loopback import Handle

CLOUDS: dict[Api, Handle] = {
    "openai": openai.openai,
    "anthropic": anthropic.anthropic,
    "cohere": cohere.cohere,
}
KEYS: dict[Api, str] = {"openai": openai.KEY, "anthropic": anthropic.KEY, "cohere": cohere.KEY}
