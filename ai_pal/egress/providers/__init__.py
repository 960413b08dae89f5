"""Providers of answers: one adapter per protocol, its SDK imported when it is first asked."""

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import msgspec

from ai_pal.config.provider_keys import read_key
from ai_pal.egress.providers.base import Adapter, Make
from ai_pal.egress.providers.http import Clients
from ai_pal.errors import Code, Failure, fail
from ai_pal.messages.egress import Api, Provider

KEY_SECONDS = 10.0
"""How long a system keyring may take; it may wait for its user."""

SECRET_LENGTH = 6
"""Shorter ones are no secrets, and would be found in every other word."""

_keyrings = ThreadPoolExecutor(4, "keyring")
"""Threads of their own, for a keyring that waits for its user keeps one."""

CLASSES: dict[Api, str] = {
    "ollama": "Ollama",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "cohere": "Cohere",
}
NEEDS_KEY = frozenset({"openai", "anthropic", "cohere"})


class Providers:
    """Gives adapters. Keys are looked up for each request; those seen are remembered to keep them out of
    what is told."""

    def __init__(self) -> None:
        self._clients = Clients()
        self._secrets: set[str] = set()

    async def adapter(self, provider: Provider) -> Adapter:
        """The adapter for a provider, with its key. Raises `AiPalError` (`no_key`, `sdk_missing`,
        `keyring_missing`)."""
        make = await asyncio.to_thread(_adapter_class, provider.api)
        key = await _key(provider)
        if len(key) >= SECRET_LENGTH:
            self._secrets.add(key)
        return make(provider, key, self._clients)

    def without_keys(self, failure: Failure) -> Failure:
        """The failure as it may be told: a server can send back what it was sent."""
        detail = failure.detail
        for secret in self._secrets:
            detail = detail.replace(secret, "[key]")
        return msgspec.structs.replace(failure, detail=detail)


def _adapter_class(api: Api) -> Make:
    try:
        module = importlib.import_module(f"ai_pal.egress.providers.{api}")
    except ModuleNotFoundError as error:
        message = f"the Python package {error.name} is not installed"
        fail(Code.SDK_MISSING, message, "pip install 'ai-pal[clouds]'")
    return cast("Make", getattr(module, CLASSES[api]))


async def _key(provider: Provider) -> str:
    try:
        async with asyncio.timeout(KEY_SECONDS):
            loop = asyncio.get_running_loop()
            key, _ = await loop.run_in_executor(_keyrings, read_key, provider.name)
    except TimeoutError:
        message = f"the system keyring did not give the key of {provider.name} within {KEY_SECONDS:g} s"
        fail(Code.NO_KEY, message, "unlock the keyring")
    if not key and provider.api in NEEDS_KEY and not provider.base_url:
        fail(Code.NO_KEY, f"there is no key for {provider.name}", f"ai-pal keys set {provider.name}")
    return key or ""
