"""The screen of `ai-pal top`, from what is known. Pure: lines that fit, whatever the terminal's size."""

import textwrap
from collections.abc import Sequence

import msgspec

from ai_pal.cli.loaded.request_table import HEAD as REQUESTS
from ai_pal.cli.loaded.request_table import LAST as REQUESTS_LAST
from ai_pal.cli.loaded.request_table import SPARE as REQUESTS_SPARE
from ai_pal.cli.loaded.request_table import download_table, happening_line, request_cells
from ai_pal.cli.loaded.top.choosing import CallOff, Line, Unload, View
from ai_pal.cli.loaded.worker_table import HEAD as MODELS
from ai_pal.cli.loaded.worker_table import duration, worker_cells
from ai_pal.cli.machines.node_table import HEAD as NODES
from ai_pal.cli.machines.node_table import SPARE as NODES_SPARE
from ai_pal.cli.machines.node_table import node_cells
from ai_pal.cli.terminal.cells import cut, filled
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table
from ai_pal.client.scene import Scene
from ai_pal.counted import counted

MODELS_SPARE = ("CAN", "RESERVED", "REQUESTS", "PID", "WINDOW", "QUEUED", "ACTIVE")
MODELS_LAST = ("IDLE FOR", "UNLOADS IN")
"""What a narrow terminal does without, in this order; these where heads could not be read else."""

BAR, SHORTEST_BAR = 30, 8
HELP = (
    ("up, down, k, j", "choose a model or a request"),
    ("u", "unload the model"),
    ("p", "pin the model: it stays until it is unloaded; once more takes that back"),
    ("c", "cancel the request, whoever asked it: its program hears who stopped it"),
    ("?, h", "this help"),
    ("q, Ctrl-C", "leave"),
    ("", ""),
    ("", "A model unloads when it was idle for long enough, or another one needs its memory."),
    ("", "A request is queued at a place, loads its model, reads its prompt and answers."),
)
KEYS = "q quit  ? help  up/down choose  u unload  p pin  c cancel"
FEWER_KEYS = ("q quit  ? help  u unload  c cancel", "q quit  ? help")
NOT_RUNNING = "no supervisor is running: waiting for one"
WAITING = "waiting for a supervisor"
"""The same where there is little room."""


class Section(msgspec.Struct, frozen=True):
    """A part of the screen: its head, and rows of which one may be chosen."""

    head: str
    rows: list[str]
    chosen: int | None = None


def screen(
    view: View, scene: Scene, columns: int, rows: int, now: float, *, colour: bool = True
) -> list[str]:
    """At most `rows` lines of at most `columns` characters, styled with `colour`."""
    style = Style(colour)
    first, *others = [cut(line, columns) for line in header(scene, now, columns)]
    top = [style.bold(first), *others]
    bottom = [style.dim(cut(_footer(view, scene, columns), columns))]
    room = max(1, rows - len(top) - len(bottom))
    if view.help:
        middle = ["", *_help(columns)][:room]
    else:
        middle = _fitted(_sections(view, scene, columns, now), room, columns, style)
    return [*top, *middle, *[""] * (room - len(middle)), *bottom][:rows]


def plain(scene: Scene, columns: int | None, now: float) -> str:
    """All there is, once, for a pipe or a file."""
    sections = _sections(View(), scene, columns, now)
    parts = [header(scene, now, columns), *([section.head, *section.rows] for section in sections)]
    return "\n\n".join("\n".join(part) for part in parts)


def header(scene: Scene, now: float, columns: int | None = None) -> list[str]:
    """Who it is that is watched, and the memory of the machine."""
    picture = scene.supervisor
    if picture is None:
        return ["ai-pal top", _longest((NOT_RUNNING, WAITING), columns)]
    up, clients = f"up {duration(scene.uptime_at(now))}", counted(scene.clients, "client")
    who = (
        f"ai-pal {picture.version}  supervisor {picture.pid}, {up}, {clients}",
        f"supervisor {picture.pid}, {up}, {clients}",
        f"ai-pal {picture.version}, {up}",
    )
    lines = [_longest(who, columns), _memory(scene, picture.total, columns)]
    if scene.gateways:
        lines.append("serves " + ", ".join(f"{one.address} ({one.pid})" for one in scene.gateways))
    return [neutral_line(line) for line in lines]


class Style:
    """Escape sequences, or none."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def bold(self, text: str) -> str:
        return self._with("1", text)

    def dim(self, text: str) -> str:
        return self._with("2", text)

    def chosen(self, text: str) -> str:
        return self._with("7", text)

    def _with(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text else text


def _memory(scene: Scene, total: int, columns: int | None) -> str:
    models = sum(model.memory for model in scene.models.values())
    total = max(total, scene.free + models, 1)
    others = total - scene.free - models
    free, of_models, of_others = map(_gigabytes, (scene.free, models, others))
    short = f"free {free} of {_gigabytes(total)}"
    wanted = (
        f"memory {short}, models {of_models}, others {of_others}",
        f"{short}, models {of_models}",
        short,
    )
    words = _longest(wanted, columns)
    width = BAR if columns is None else min(BAR, columns - len(words) - 2)
    if width < SHORTEST_BAR:
        return words
    full, half = (round(width * size / total) for size in (models, others))
    bar = "█" * full + "▒" * min(half, width - full)
    return f"{words}  {bar.ljust(width, '·')}"


def _sections(view: View, scene: Scene, columns: int | None, now: float) -> list[Section]:
    width = None if columns is None else columns - 2
    found = []
    models = [worker_cells(model) for model in scene.models_at(now)]
    names = [Line("model", name) for name in scene.models]
    if models:
        lines = table(MODELS, models, width=width, spare=MODELS_SPARE, last=MODELS_LAST).splitlines()
        found.append(_section(lines, names, view))
    elif scene.supervisor is not None:
        found.append(Section("  no model is loaded", []))
    if scene.nodes:
        nodes = [node_cells(node, scene.models.values()) for node in scene.nodes]
        found.append(_section(table(NODES, nodes, width=width, spare=NODES_SPARE).splitlines(), [], view))
    requests = [request_cells(request) for request in scene.requests_at(now)]
    keys = [Line("request", key) for key in scene.requests]
    if requests:
        lines = table(REQUESTS, requests, width=width, spare=REQUESTS_SPARE, last=REQUESTS_LAST).splitlines()
        found.append(_section(lines, keys, view))
    if scene.downloads:
        lines = download_table(list(scene.downloads.values()), width).splitlines()
        found.append(_section(lines, [], view))
    happened = scene.happened_at(now)
    if happened:
        rows = [
            f"  {duration(one.seconds)} ago  {neutral_line(happening_line(one))}"
            for one in reversed(happened)
        ]
        found.append(Section("  LAST", rows))
    return found


def _section(lines: Sequence[str], names: Sequence[Line], view: View) -> Section:
    chosen = names.index(view.chosen) if view.chosen in names else None
    rows = [f"{'>' if n == chosen else ' '} {line}" for n, line in enumerate(lines[1:])]
    return Section(f"  {lines[0]}", rows, chosen)


def _fitted(sections: Sequence[Section], room: int, columns: int, style: Style) -> list[str]:
    """The sections with a blank line before each, and as many rows of each as there is room for."""
    most = shares([len(section.rows) for section in sections], room - 2 * len(sections))
    lines: list[str] = []
    for section, share in zip(sections, most, strict=True):
        lines += ["", style.bold(cut(section.head, columns))]
        for n, row in windowed(section.rows, share, section.chosen):
            chosen = n is not None and n == section.chosen
            lines.append(style.chosen(filled(row, columns)) if chosen else cut(row, columns))
    return lines[:room]


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many rows each may have: the longest give way first."""
    given = list(wanted)
    while sum(given) > max(room, 0) and max(given) > 1:
        given[given.index(max(given))] -= 1
    return given


def windowed(rows: Sequence[str], most: int, chosen: int | None) -> list[tuple[int | None, str]]:
    """At most so many of the rows with their places, the chosen one among them, and how many are left out."""
    if len(rows) <= most:
        return list(enumerate(rows))
    shown = max(most - 1, 1)
    first = min(max(0, (chosen or 0) - shown + 1), len(rows) - shown)
    found: list[tuple[int | None, str]] = [(n, rows[n]) for n in range(first, first + shown)]
    return [*found, (None, f"  ... {len(rows) - shown} more")] if most > 1 else found


def _help(columns: int) -> list[str]:
    """What keys do, in as many lines as that takes."""
    margin = 19 if columns >= 60 else 5
    lines = []
    for key, text in HELP:
        begin = f"  {key}  ".ljust(margin) if key else "  "
        indent = " " * (margin if key else 4)
        lines += textwrap.wrap(text, columns, initial_indent=begin, subsequent_indent=indent) or [""]
    return [cut(line, columns) for line in lines]


def _longest(texts: Sequence[str], columns: int | None) -> str:
    """The first that has room, else the last."""
    return next((text for text in texts if columns is None or len(text) <= columns), texts[-1])


def _footer(view: View, scene: Scene, columns: int) -> str:
    match view.asked:
        case Unload(model):
            return f"unload {neutral_line(model)}? What runs ends first, what waits fails. y/n"
        case CallOff(key):
            request = scene.requests.get(key)
            what = "the request" if request is None else f"{request.kind} of {request.client or request.pid}"
            return f"cancel {neutral_line(what)} ({neutral_line(key)})? y/n"
    return neutral_line(view.message) or _longest((KEYS, *FEWER_KEYS), columns)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 or not size else f"{size / 1e6:.0f} MB"
