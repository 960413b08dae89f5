"""The keys themselves: read in the egress process only, put into the system keyring by `ai-pal keys`."""

import contextlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from types import ModuleType

from ai_pal.config import paths
from ai_pal.config.provider_access import Source, read_access, variable_in, variables
from ai_pal.errors import Code, fail

SERVICE = "ai-pal"
"""What the keys are filed under in the system keyring, by the provider's name."""


def read_key(provider: str, environ: Mapping[str, str] = os.environ) -> tuple[str | None, Source]:
    """The key of a provider and where it was; one that was given to AI-PAL comes before one that merely
    lies in the environment. Asking the keyring may wait for the user to unlock it, so this belongs
    on a thread with a deadline. Raises `AiPalError` (`keyring_missing`, `file_unreadable`)."""
    if key := config_keys(environ).get(provider):
        return key, "config"
    if (known := read_access(environ).get(provider)) and known.keyring:
        with _keyring(provider) as keyring:
            key = keyring.get_password(SERVICE, provider)
        if key:
            return key, "keyring"
    if variable := variable_in(provider, environ):
        return environ[variable].strip(), "environment"
    return None, ""


def config_keys(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The keys in the config file, by provider. What is wrong with the file, `load_settings` says."""
    try:
        document = tomllib.loads(paths.config_file(environ).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    tables = document.get("providers")
    if not isinstance(tables, dict):
        return {}
    found = {name: table.get("api_key") for name, table in tables.items() if isinstance(table, dict)}
    return {name: key.strip() for name, key in found.items() if isinstance(key, str) and key.strip()}


def store_key(provider: str, key: str) -> None:
    """Put a key into the system keyring. Raises `AiPalError` (`keyring_missing`)."""
    with _keyring(provider) as keyring:
        keyring.set_password(SERVICE, provider, key)


def forget_key(provider: str) -> bool:
    """Take a key out of the system keyring; False where there was none. Raises `AiPalError`."""
    with _keyring(provider) as keyring:
        from keyring.errors import PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, provider)
        except PasswordDeleteError:
            return False
    return True


@contextlib.contextmanager
def _keyring(provider: str) -> Iterator[ModuleType]:
    hint = (
        f"set {variables(provider)[-1]} in the environment instead, and agree with: ai-pal consent {provider}"
    )
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        fail(Code.KEYRING_MISSING, "the Python package keyring is not installed", hint)
    try:
        yield keyring
    except KeyringError as error:
        # Its first line only, and never with a key in it: backends report what they were asked for.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        fail(Code.KEYRING_MISSING, f"the system keyring cannot be used: {reason}", hint)
