"""What the simulated router knows of those whom it could ask."""

import msgspec

from ai_pal.complexity import Scored
from ai_pal.config.elsewhere import elsewhere
from ai_pal.messages import egress as out
from ai_pal.messages.chat import Message
from ai_pal.routing.facts import Facts, Here, Server
from ai_pal.routing.prices import PriceTable, price_table
from ai_pal.store.ledger import Spent

PROVIDERS = {
    "ollama": Server(provider=out.Provider("ollama", "ollama"), mid="phi"),
    "openai": Server(provider=out.Provider("openai", "openai"), mid="gpt-3.5-turbo", strong="gpt-4"),
    "anthropic": Server(provider=out.Provider("anthropic", "anthropic"), mid="claude-3-haiku"),
    "cohere": Server(provider=out.Provider("cohere", "cohere"), mid="command", key=False),
}


class SimSurvey:
    """Implements `router.ports.Survey`. Unnamed is the sound model here, Ollama and three clouds."""

    def __init__(self, models: tuple[str, ...]) -> None:
        self._models = models

    def facts(self, reference: str) -> Facts:
        there = elsewhere(reference, PROVIDERS)
        if there is not None:
            server = msgspec.structs.replace(PROVIDERS[there.provider], mid=there.model, strong=there.model)
            return Facts(ollama=server) if there.provider == "ollama" else Facts(clouds=(server,))
        ollama = PROVIDERS["ollama"]
        if reference:
            return Facts(here=Here(model=reference), ollama=ollama)
        clouds = tuple(server for name, server in PROVIDERS.items() if name != "ollama")
        return Facts(here=Here(model=self._models[0]), ollama=ollama, clouds=clouds)

    def met(self, provider: str) -> None:
        pass

    def prices(self) -> PriceTable:
        return price_table()

    def spent(self) -> Spent:
        return Spent()


def judge(messages: list[Message]) -> Scored:
    """The more words, the harder."""
    return Scored(min(1.0, len(messages[-1].content.split()) * 0.19), [])
