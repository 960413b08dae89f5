"""A system keyring that waits for its user: each attempt gives up in time, and nobody else waits with it."""

import asyncio
import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend

from ai_pal.config.provider_access import remember
from ai_pal.egress import providers
from ai_pal.egress.providers import Providers
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.provider import Provider

pytestmark = [pytest.mark.anyio]

LOCKED, OTHER = Provider("openai", "openai"), Provider("gateway", "openai", "http://127.0.0.1:9/v1")
OLLAMA = Provider("ollama", "ollama")
MANY = 12
"""More than there could be threads for."""


class Locked(KeyringBackend):  # type: ignore[misc]
    """Answers when it is unlocked."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        assert self.unlocked.wait(20)
        return f"sk-of-{username}"

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Locked]:
    """The system keyring; it is said to hold the key of openai."""
    before, backend = keyring.get_keyring(), Locked()
    keyring.set_keyring(backend)
    monkeypatch.setattr(providers, "KEY_SECONDS", 2.0)
    for variable in ("OPENAI_API_KEY", "AI_PAL_KEY_OPENAI"):
        monkeypatch.delenv(variable, raising=False)
    remember("openai", keyring=True)
    yield backend
    backend.unlocked.set()
    keyring.set_keyring(before)


async def test_a_locked_keyring_costs_each_attempt_its_deadline_and_others_nothing(
    locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_PAL_KEY_GATEWAY", "sk-gateway")
    found = Providers()
    attempts = [asyncio.create_task(found.adapter(LOCKED)) for _ in range(MANY)]
    await asyncio.sleep(0)  # they have begun before the others come
    for provider in (OTHER, OLLAMA):
        assert await found.adapter(provider)
    for attempt in attempts:
        with pytest.raises(AiPalError, match="keyring") as caught:
            await attempt
        assert caught.value.code == Code.NO_KEY
    locked.unlocked.set()
    assert await found.adapter(LOCKED), "unlocked, it is asked again"
