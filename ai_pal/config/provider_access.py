"""Which providers may be asked: where their keys are, and what the user agreed to. No secrets here."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from ai_pal.config import paths
from ai_pal.config.whole_file import alone, read_whole, write_whole
from ai_pal.errors import fail_to_write

KEY_PREFIX = "AI_PAL_KEY_"
"""`AI_PAL_KEY_NAME` holds the key of the provider called `name`."""

_VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "cohere": ("CO_API_KEY", "COHERE_API_KEY"),
}
CLOUDS = tuple(_VARIABLES)

KEYRING_VARIABLES = frozenset(
    {"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "PYTHON_KEYRING_BACKEND"}
)
"""Without these the egress process would not find the keyring."""

Source = Literal["environment", "config", "keyring", ""]
"""Where a key comes from; empty: there is none."""


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a provider. `keyring`: the system keyring holds a key that the user put
    there. `consent` is what the user decided, None before that. `changed` counts the decisions, so that
    others see that there was one."""

    keyring: bool = False
    consent: bool | None = None
    changed: int = 0


def variables(provider: str) -> tuple[str, ...]:
    """The environment variables that may hold a provider's key, the first one wins."""
    return (KEY_PREFIX + re.sub(r"\W", "_", provider).upper(), *_VARIABLES.get(provider, ()))


def key_hint(provider: str) -> str:
    """How to give a provider its key, on a machine without a keyring too."""
    return f"set one: ai-pal keys set {provider}; without a keyring: export {variables(provider)[-1]}=..."


def variable_in(provider: str, environ: Mapping[str, str]) -> str:
    """The variable that holds this provider's key, "" for none."""
    return next((name for name in variables(provider) if environ.get(name, "").strip()), "")


def key_source(provider: str, environ: Mapping[str, str], *, in_config: bool, in_keyring: bool) -> Source:
    """Where the key of a provider comes from: a given one is preferred to one that merely lies around."""
    if in_config:
        return "config"
    if in_keyring:
        return "keyring"
    return "environment" if variable_in(provider, environ) else ""


def consented(
    decided: bool | None, setting: bool | None, *, source: Source, own_server: bool = False
) -> bool:
    """Whether a provider may be asked with the key from `source`. A no counts wherever it was said; a key
    that was given to AI-PAL is a yes, and so is a server of the user's own (`base_url`) without any key. A
    key that merely lies in the environment is none."""
    if decided is False or setting is False:
        return False
    given = source in ("config", "keyring") or (own_server and not source)
    return bool(decided or setting or given)


def read_access(environ: Mapping[str, str] = os.environ) -> dict[str, Access]:
    """What is remembered, by provider. Raises `AiPalError` (`file_unreadable`): an unreadable no must not
    turn into a yes."""
    return access_in(paths.providers_file(environ))


def access_in(file: Path) -> dict[str, Access]:
    """The same of this file."""
    return read_whole(file, dict[str, Access], {}, "decide again: ai-pal consent")


def remember(provider: str, environ: Mapping[str, str] = os.environ, **changes: bool | None) -> Access:
    """Change `keyring` or `consent` of one provider; whole or not at all, owner-only. Raises `AiPalError`."""
    file = paths.providers_file(environ)
    try:
        with alone(file.parent):
            known = read_access(environ)
            before = known.get(provider, Access())
            changed = msgspec.structs.replace(before, **changes, changed=before.changed + 1)
            data = msgspec.json.encode(known | {provider: changed}, order="sorted")
            write_whole(file, msgspec.json.format(data) + b"\n")
    except OSError as error:
        fail_to_write(file, error, "check its folder")
    return changed
