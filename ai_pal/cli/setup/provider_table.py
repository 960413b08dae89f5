"""The clouds with the place of their key and what was agreed: for `ai-pal keys list` and `ai-pal consent`."""

from collections.abc import Mapping, Sequence

import msgspec

from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config import Settings
from ai_pal.config.provider_access import (
    CLOUDS,
    Access,
    Source,
    consented,
    key_source,
    read_access,
    variable_in,
)
from ai_pal.config.tables import ProviderSettings


class Listed(msgspec.Struct, frozen=True):
    """One provider. `key` says where its key comes from, `place` more exactly; `may_be_used` is the
    outcome of what was decided (None: nothing yet) and the settings."""

    provider: str
    key: Source
    place: str
    decided: bool | None
    may_be_used: bool


def listed(settings: Settings, environ: Mapping[str, str]) -> list[Listed]:
    """Every cloud that AI-PAL or the settings know, machines at their gateways, and whatever was decided on.
    Raises `AiPalError`."""
    remembered = read_access(environ)
    own = (name for name, machine in settings.machines.items() if machine.url)
    names = dict.fromkeys((*CLOUDS, *settings.providers, *own, *remembered))
    return [_listed(name, remembered.get(name, Access()), settings, environ) for name in names]


def provider_table(rows: Sequence[Listed]) -> str:
    """For people."""
    return table(
        ("PROVIDER", "KEY", "AGREED"),
        [(row.provider, row.place or "-", _agreed(row)) for row in rows],
        width=terminal_width(),
    )


def _listed(name: str, known: Access, settings: Settings, environ: Mapping[str, str]) -> Listed:
    setting = settings.providers.get(name, ProviderSettings())
    places = {"in_config": setting.api_key, "in_keyring": known.keyring}
    source = key_source(name, environ, **places)
    place = {"environment": variable_in(name, environ), "config": "config file", "keyring": "system keyring"}
    machine = name in settings.machines  # added by its user: that is agreement enough
    own = bool(setting.base_url) or machine
    may = machine or consented(known.consent, setting.consent, source=source, own_server=own)
    return Listed(name, source, place.get(source, ""), known.consent, may and (bool(source) or own))


def _agreed(row: Listed) -> str:
    if row.may_be_used:
        return "yes"
    if row.decided is None and row.key:
        return f"not asked: ai-pal consent {row.provider}"
    return {True: "yes, without a key", False: "no", None: "-"}[row.decided]
