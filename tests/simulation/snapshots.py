"""What the simulated router knows of those whom it could ask."""

from collections.abc import Sequence

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.config.elsewhere import elsewhere
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.worker import LoadModel
from ai_pal.providers.server import Server
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from tests.local_router import OnlyHere

PROVIDERS = {
    "ollama": Server(provider=Provider("ollama", "ollama"), mid="phi"),
    "openai": Server(provider=Provider("openai", "openai"), mid="gpt-3.5-turbo", strong="gpt-4"),
    "anthropic": Server(provider=Provider("anthropic", "anthropic"), mid="claude-3-haiku"),
    "cohere": Server(provider=Provider("cohere", "cohere"), mid="command", key=False),
}


class SimSnapshots(OnlyHere):
    """Implements `router.ports.Snapshots`. Unnamed is the sound model here, Ollama and three clouds."""

    def __init__(self, models: tuple[str, ...]) -> None:
        self._models = models

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        there = elsewhere(reference, PROVIDERS)
        if there is not None:
            server = msgspec.structs.replace(PROVIDERS[there.provider], mid=there.model, strong=there.model)
            return Snapshot(ollama=server) if there.provider == "ollama" else Snapshot(clouds=(server,))
        ollama = PROVIDERS["ollama"]
        if reference:
            return Snapshot(here=Here(model=reference), ollama=ollama)
        clouds = tuple(server for name, server in PROVIDERS.items() if name != "ollama")
        model = self._models[0]
        resolved = Resolved(LoadModel(model, "echo"), size=1_000_000_000)
        return Snapshot(here=Here(model=model, resolved=resolved), ollama=ollama, clouds=clouds)


def judge(messages: list[Message]) -> Scored:
    """The more words, the harder."""
    return Scored(min(1.0, len(messages[-1].text.split()) * 0.19), [])
