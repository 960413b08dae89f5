"""Providers of answers: one adapter per protocol, its SDK imported when it is first asked."""

import asyncio
import importlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from urllib.parse import urlsplit

import msgspec

from ai_pal.config.provider_access import key_hint
from ai_pal.config.provider_keys import read_key
from ai_pal.egress.providers.base import Adapter, Make
from ai_pal.egress.providers.failures.taxonomy import failure
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.http.traffic import Traffic
from ai_pal.egress.providers.http.transport import of_transport
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.errors import AiPalError, Code, Failure, fail, install_extra
from ai_pal.protocol.provider import OLLAMA_URL, Api, Provider

KEY_SECONDS = 10.0
"""How long a system keyring may take; it may wait for its user."""

SECRET_LENGTH = 6
"""Shorter ones are no secrets, and would be found in every other word."""

_lookups: defaultdict[str, ThreadPoolExecutor] = defaultdict(lambda: ThreadPoolExecutor(1, "key"))
"""A thread for each provider: a keyring that waits for its user holds up nobody else."""

CLASSES: dict[Api, str] = {
    "ollama": "Ollama",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "cohere": "Cohere",
}
"""Those that are asked by this process itself."""

NEEDS_KEY = frozenset({"openai", "anthropic", "cohere"})


class Providers:
    """Gives adapters. Keys are looked up for each request; those seen are remembered to keep them out of
    what is told."""

    def __init__(self, via: str = "") -> None:
        self._clients = Clients(via)
        self._learned = Learned()
        self._secrets: set[str] = set()

    async def adapter(self, provider: Provider) -> Adapter:
        """The adapter for a provider, with its key. Raises `AiPalError` (`no_key`, `sdk_missing`,
        `keyring_missing`, `provider_unreachable` for an address that is none)."""
        _check_address(provider)
        make = await asyncio.to_thread(_adapter_class, provider.api)
        key = await _key(provider)
        if len(key) >= SECRET_LENGTH:
            self._secrets.add(key)
        try:
            return make(provider, key, self._clients, self._learned)
        except Exception as error:  # noqa: BLE001 - SDKs look at what they are given in ways of their own
            raise AiPalError(of_transport(provider.name, error, Traffic())) from None

    def without_keys(self, told: Failure) -> Failure:
        """The failure as it may be told: a server can send back what it was sent."""
        detail = told.detail
        for secret in self._secrets:
            detail = _without(secret, detail)
        return msgspec.structs.replace(told, detail=detail)


def _without(secret: str, text: str) -> str:
    """The text without a key, and without the beginning of one that was cut at its end."""
    text = text.replace(secret, "[key]")
    rest = text.removesuffix("\u2026")
    for length in range(len(secret) - 1, SECRET_LENGTH - 1, -1):
        if rest != text and rest.endswith(secret[:length]):
            return f"{rest[:-length]}[key]\u2026"
    return text


def _check_address(provider: Provider) -> None:
    """Raises `AiPalError` (`provider_unreachable`)."""
    try:
        parts = urlsplit(provider.base_url or OLLAMA_URL)
        host = parts.hostname or ""
        fine = bool(host) and ("%" not in host or ":" in host)  # an IPv6 zone is written after one
        if fine and parts.scheme in ("http", "https") and parts.port != 0:
            return
    except ValueError:
        pass  # a port or an address that is none
    said = "OLLAMA_HOST or base_url in [ollama]" if provider.api == "ollama" else "its base_url"
    example = OLLAMA_URL if provider.api == "ollama" else "http://127.0.0.1:8080/v1"
    message = f"{provider.name} could not be reached: {said} is no address"
    raise AiPalError(failure(Code.PROVIDER_UNREACHABLE, message, f"it looks like {example}"))


def _adapter_class(api: Api) -> Make:
    try:
        module = importlib.import_module(f"ai_pal.egress.providers.{api}.adapter")
    except ModuleNotFoundError as error:
        message = f"the Python package {error.name} is not installed"
        fail(Code.SDK_MISSING, message, f"{install_extra('clouds')}, then: ai-pal stop")
    return cast("Make", getattr(module, CLASSES[api]))


async def _key(provider: Provider) -> str:
    try:
        async with asyncio.timeout(KEY_SECONDS):
            loop = asyncio.get_running_loop()
            key, _ = await loop.run_in_executor(_lookups[provider.name], read_key, provider.name)
    except TimeoutError:
        message = f"the system keyring did not give the key of {provider.name} within {KEY_SECONDS:g} s"
        fail(Code.NO_KEY, message, "unlock the keyring")
    if key and not (key.isascii() and key.isprintable()):
        message = f"the key of {provider.name} holds characters that no key has"
        fail(Code.NO_KEY, message, f"ai-pal keys set {provider.name}")
    if not key and provider.api in NEEDS_KEY and not provider.base_url:
        fail(Code.NO_KEY, f"there is no key for {provider.name}", key_hint(provider.name))
    return key or ""
