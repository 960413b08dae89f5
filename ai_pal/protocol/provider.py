"""Who answers elsewhere: how a provider is reached, what it can, and what it says of its models."""

from typing import Literal

import msgspec

from ai_pal.protocol.families import claude_version

Api = Literal["ollama", "openai", "anthropic", "cohere", "machine"]
"""Which protocol a provider speaks; a `machine` is another AI-PAL of the user's own."""

CONTINUES: frozenset[Api] = frozenset({"anthropic"})
"""Providers that go on from a last message of the assistant's. Ollama does so with some models' templates
only, OpenAI and Cohere begin anew."""

NO_MORE = (4, 6)
"""Claude from here on refuses to go on with words put into its mouth."""


def continues(api: Api, model: str) -> bool:
    """Whether a model goes on from a last message of the assistant's."""
    return api in CONTINUES and claude_version(model) < NO_MORE


OLLAMA_URL = "http://localhost:11434"
"""Where an Ollama is when nothing else is said."""


class Machine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where another machine of the user's is, and what it is known by; as in `[machines.NAME]`: by `ssh`, or
    at its own gateway, whose `certificate` (base64 of its DER) is the only one that is trusted. `login`: the
    seconds that a login may take, 0 for the usual ones."""

    ssh: str
    port: int = 0
    host_key: str = ""
    identity: str = ""
    command: str = "ai-pal"
    login: float = 0.0
    certificate: str = ""


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server that answers prompts. `name` is what users call it and what its key is kept under;
    an empty `base_url` is the one its SDK knows. A `machine` has no address of that kind."""

    name: str
    api: Api
    base_url: str = ""
    machine: Machine | None = None


class OfferedModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """`parameters` counts weights and `window` is in tokens, 0 for not known; `capabilities` are in Ollama's
    words, nothing where it does not say."""

    architecture: str = ""
    basename: str = ""
    format: str = ""
    quantization: str = ""
    parameters: int = 0
    window: int = 0
    capabilities: list[str] = msgspec.field(default_factory=list)
