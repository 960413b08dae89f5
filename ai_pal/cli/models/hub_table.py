"""Models of the hub for people: a table, or on a narrow terminal two lines each, so that no name is cut."""

from collections.abc import Iterable, Sequence

from ai_pal.catalog.choosing.machine import free_memory, installed
from ai_pal.catalog.inventory.fitting import fit
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import GAP, table
from ai_pal.config import Settings
from ai_pal.protocol.hub import HubModel

HEAD = ("NAME", "SIZE", "WEIGHTS", "DOWNLOADS", "LICENCE", "FITS")

_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))


def fits(model: HubModel, settings: Settings) -> str:
    """`now`, `alone`, `never`, `?` where the hub gives no size, or the engine that is lacking."""
    import psutil

    if model.engine not in installed():
        return f"needs {model.engine}"
    if not model.memory:
        return "?"
    return fit(model.memory, free_memory(settings), psutil.virtual_memory().total)


def hub_table(suited: Iterable[tuple[HubModel, str]], width: int | None) -> str:
    rows = [_cells(model, fit) for model, fit in suited]
    whole = table(HEAD, rows)
    if width is None or max(map(len, whole.splitlines())) <= width:
        return whole
    return "\n".join(map(_record, rows))


def _record(row: Sequence[str]) -> str:
    name, size, weights, downloads, licence, fit = map(neutral_line, row)
    facts = (size, f"{weights} weights", f"{downloads} downloads", licence, f"fits {fit}")
    return f"{name}\n{GAP}{GAP.join(facts)}"


def _cells(model: HubModel, fit: str) -> tuple[str, ...]:
    size = f"{model.size / 1e9:.1f} GB" if model.size else "-"
    licence = f"{model.licence or '-'}{', gated' if model.gated else ''}"
    return model.name, size, short(model.parameters), short(model.downloads), licence, fit


def short(count: int) -> str:
    """A large number in three characters and a unit: 1.2M."""
    for unit, sign in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f}{sign}" if count < 100 * unit else f"{count // unit}{sign}"
    return str(count or "-")
