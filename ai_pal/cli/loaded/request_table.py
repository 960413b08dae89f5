"""Requests under way and downloads as tables, and what happens as lines. No I/O."""

from collections.abc import Sequence

from ai_pal.cli.loaded.worker_table import duration, megabytes, state_of
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.table import table
from ai_pal.client.scene import Scene
from ai_pal.conversations.model import short_name
from ai_pal.protocol import client as wire

HEAD = ("REQUEST", "MODEL", "PHASE", "TOKENS", "TOKENS/S", "FIRST", "FOR", "WHO", "KEY")
SPARE, LAST = ("KEY", "FIRST", "WHO", "TOKENS"), ("REQUEST", "FOR")
"""What a narrow terminal does without, in this order; the last only where heads could not be read else."""

DOWNLOADS = ("DOWNLOAD", "HERE", "OF", "MB/S", "LEFT")

UNKNOWN = "-"


def request_table(requests: Sequence[wire.RequestStatus], width: int | None = None) -> str:
    """One line a request."""
    return table(HEAD, [request_cells(request) for request in requests], width=width, spare=SPARE, last=LAST)


def download_table(downloads: Sequence[wire.DownloadStatus], width: int | None = None) -> str:
    """One line a model that is on its way here."""
    rows = [
        (
            one.model,
            megabytes(one.done),
            megabytes(one.total),
            f"{one.speed / 1e6:.1f}",
            duration(one.remaining),
        )
        for one in downloads
    ]
    return table(DOWNLOADS, rows, width=width)


def phase_of(request: wire.RequestStatus) -> str:
    """Where it is, for people."""
    match request.phase:
        case "queued":
            return f"queued, {request.position}."
        case "loading" | "reading" | "pulling":
            return f"{request.phase} {request.progress:.0%}"
        case "failed" | "interrupted":
            return f"{request.phase}: {request.code}"
    return request.phase


def who_of(request: wire.RequestStatus) -> str:
    """Who asks: for whom, or the program."""
    return request.principal or request.client or (f"pid {request.pid}" if request.pid else UNKNOWN)


def lines_of(event: wire.Picture | wire.Changes, before: Scene) -> list[str]:
    """What is new to who has seen what was `before`, a line each: for a pipe. Who merely comes further in the
    same phase has none."""
    models, requests, downloads = before.models, before.requests, before.downloads
    lines = [
        _model_line(one)
        for one in event.models
        if one.model not in models or _stands(one) != _stands(models[one.model])
    ]
    lines += [
        _request_line(one)
        for one in event.requests
        if one.key not in requests or one.phase != requests[one.key].phase
    ]
    lines += [
        f"download {one.model} {one.state} {megabytes(one.done)} of {megabytes(one.total)}"
        for one in event.downloads
        if one.model not in downloads or one.state != downloads[one.model].state
    ]
    if isinstance(event, wire.Changes):
        lines += [happening_line(one) for one in event.happened]
    return [neutral_line(line) for line in lines]


def request_cells(request: wire.RequestStatus) -> tuple[str, ...]:
    """What stands below `HEAD`."""
    return (
        request.kind,
        short_name(request.model) or UNKNOWN,
        phase_of(request),
        str(request.tokens or UNKNOWN),
        f"{request.tokens_per_second:.1f}" if request.tokens_per_second else UNKNOWN,
        UNKNOWN if request.first_token is None else f"{request.first_token:.2f} s",
        duration(request.seconds),
        who_of(request),
        request.key,
    )


def _request_line(request: wire.RequestStatus) -> str:
    parts = [f"request {request.key}", request.kind, request.model, phase_of(request)]
    if request.tokens:
        parts.append(f"{request.tokens} tokens, {request.tokens_per_second:.1f}/s")
    return " ".join(part for part in (*parts, f"({who_of(request)})") if part)


def _stands(model: wire.WorkerStatus) -> tuple[str, bool]:
    """What makes a line of its own when it changes."""
    return model.state, model.calibrating is None


def _model_line(model: wire.WorkerStatus) -> str:
    memory = f" {megabytes(model.memory)}" if model.memory else ""
    reason = f": {model.reason}" if model.reason else ""
    return f"model {model.model} {state_of(model)}{memory}{reason}"


def happening_line(one: wire.Happening) -> str:
    """What happened, and to whom."""
    parts = [one.kind, one.model, one.code, f"({one.request})" if one.request else ""]
    reason = f": {one.reason}" if one.reason else ""
    return " ".join(part for part in parts if part) + reason
