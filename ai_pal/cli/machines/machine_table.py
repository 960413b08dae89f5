"""How other machines of the user's look in a terminal: as the settings have them, and as they were seen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table, terminal_width
from ai_pal.config import Settings
from ai_pal.machines import certificate, there

if TYPE_CHECKING:
    from ai_pal.machines.seen import Seen


class Row(NamedTuple):
    """A machine as the settings have it: its host key, or its gateway's certificate, by the fingerprint."""

    name: str
    ssh: str
    url: str
    port: int
    host_key: str
    identity: str
    command: str
    model: str


def rows_of(settings: Settings) -> list[Row]:
    """Those of the settings; none is asked."""
    return [
        Row(
            name,
            one.ssh,
            one.url,
            one.port,
            certificate.fingerprint(one.certificate) if one.url else there.fingerprint(one.host_key),
            one.identity,
            "" if one.url else one.command,
            one.model,
        )
        for name, one in settings.machines.items()
    ]


def table_of(rows: Sequence[Row]) -> str:
    """One a line."""
    cells = [
        (row.name, row.url or f"{row.ssh}{_port(row.port)}", row.model or "-", row.host_key) for row in rows
    ]
    return table(("NAME", "WHERE", "MODEL", "KEY"), cells, width=terminal_width())


def _port(port: int) -> str:
    return f" port {port}" if port else ""


def print_seen(seen: "Seen") -> None:
    """What a machine has, or why it does not say so."""
    name = neutral_line(seen.name)
    if seen.failure is not None:
        print(neutral_line(f"{name}: {seen.failure.message}"))
        if seen.failure.hint:
            print(neutral_line(f"  {seen.failure.hint}"))
        return
    if seen.version:
        print(neutral_line(f"{name}: AI-PAL {seen.version}, {seen.delay * 1000:.1f} ms away"))
        print(f"  memory for models: {seen.free / 1e9:.1f} GB free of {seen.total / 1e9:.1f} GB")
    else:
        print(f"{name}: its gateway answers")
    print(neutral_line(f"  models: {', '.join(seen.models) or 'none yet'}"))
    if seen.loaded:
        print(neutral_line(f"  loaded: {', '.join(seen.loaded)}"))
    if not seen.models and seen.version:
        print(neutral_line(f"  fetch one: ai-pal pull MODEL --on {seen.name}"))
