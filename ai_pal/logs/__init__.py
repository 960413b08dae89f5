"""Structured logs: key=value for people on a terminal, JSON lines for machines. Never prompt text."""

import contextlib
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

import msgspec

# structlog loads rich where it is installed, for coloured tracebacks that nobody is shown: 5 MB a process.
if _unloaded := "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # 'not installed'
import structlog

if _unloaded:
    del sys.modules["rich"]

get_logger = structlog.get_logger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}

ROTATE_BYTES = 2 * 1024 * 1024
ROTATE_KEEP = 3

Format = Literal["auto", "text", "json"]

MARK = "AI_PAL_LOG_MARK"
"""The variable that tells a child of the supervisor how its own log lines begin."""


def configure(level: str = "info", style: Format = "auto", file: Path | None = None, mark: str = "") -> None:
    """Set up logging for this process: to `file`, rotated and owner-only, or to stderr. Each line begins with
    the `mark`."""
    # Of a record only its message is written: what else it would look up takes half its time.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
        text = style == "text" or (style == "auto" and sys.stderr.isatty())
    else:
        handler = _rotating(file)
        text = style == "text"
    handler.setFormatter(logging.Formatter(f"{mark}%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not text),
            structlog.processors.format_exc_info,
            *((_harmless, _text_renderer()) if text else (structlog.processors.JSONRenderer(_to_json),)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


TRACEBACK = "exception"

_TAKEN = {"self", "method_name"}
"""Names of structlog's own: fields of these it could not take."""


def worker_line(line: str) -> tuple[int, str, dict[str, Any]]:
    """(level, event, fields) of a line that a worker wrote: JSON from our own code, else engine output."""
    fields: dict[str, Any] = {}
    if line.startswith("{"):
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            fields = msgspec.json.decode(line, type=dict[str, Any])
        if fields and not _TAKEN & fields.keys():
            level = LEVELS.get(str(fields.pop("level", "info")), LEVELS["info"])
            return level, str(fields.pop("event", "worker")), fields
    return LEVELS["debug"], "engine_output", {"line": line}


def _rotating(file: Path) -> logging.Handler:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return RotatingFileHandler(file, maxBytes=ROTATE_BYTES, backupCount=ROTATE_KEEP, encoding="utf-8")


def _harmless(_: object, __: str, fields: structlog.types.EventDict) -> structlog.types.EventDict:
    """What comes from outside, as the path of a request, stays on its line and moves no cursor; JSON escapes
    that itself. Only where a fault of ours lies takes several lines."""
    for name, value in fields.items():
        if isinstance(value, str) and not value.isprintable() and name != TRACEBACK:
            fields[name] = repr(value)
    return fields


def _text_renderer() -> structlog.types.Processor:
    return structlog.processors.KeyValueRenderer(
        key_order=["timestamp", "level", "event"], repr_native_str=False
    )


def _to_json(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
