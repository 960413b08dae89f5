"""Whose each setting is: what travels with each request, what a client keeps to itself, and what belongs to
the supervisor, which has to be another one where it is to be different.

The config file is read by both. What a client's environment says of its own settings, and of those that
travel, says nothing of a supervisor that it starts: others will ask that one too.
"""

import os
from collections.abc import Callable, Mapping

from ai_pal.config.checks import switched
from ai_pal.config.durations import parse_duration

TRAVEL = frozenset({"model", "optimization_goal", "local_only", "mine", "keep_alive", "deadline"})
"""Go with each request; the supervisor's own value is for requests that say nothing."""

CLIENTS = frozenset({"history", "auto_pull", "http"})
"""Nobody but the client looks at them."""

SUPERVISORS = frozenset(
    {
        *("model_cache_dir", "other_stores", "threads", "context", "slots", "kv_cache", "device"),
        *("gpu_layers", "preload", "spare_worker", "queue_size"),
        *("memory_budget", "memory_low", "memory_pressure", "memory_wait", "max_loaded_models"),
        *("idle_exit", "drain_seconds", "start_timeout", "download_stall", "load_stall", "beat_timeout"),
        *("engine_stall", "connect_timeout", "queue_timeout", "first_token_timeout", "gap_timeout"),
        *("delta_interval", "prefix_disk", "log_level", "log_format", "log_prompts"),
        *("local", "ollama", "router", "budget", "models", "providers", "prices", "machines"),
        "cluster",
    }
)
"""One supervisor has one value of them."""

LIVE = TRAVEL | frozenset(
    {
        *("other_stores", "threads", "context", "slots", "kv_cache", "device", "gpu_layers"),
        *("models", "preload", "delta_interval"),
        *("connect_timeout", "queue_timeout", "first_token_timeout", "gap_timeout"),
        *("ollama", "router", "providers", "prices", "machines"),
    }
)
"""What a supervisor takes out of a changed config file while it runs: a model that is loaded stays, unless it
is the one that is to be loaded otherwise. `preload` is for its next start. Another value of anything else
takes another supervisor."""

_CANNOT_TRAVEL: dict[str, Callable[[str], bool]] = {
    "AI_PAL_LOCAL_ONLY": lambda text: not switched(text),
    "AI_PAL_MINE": lambda text: not switched(text),
    "AI_PAL_DEADLINE": lambda text: parse_duration(text) < 0,
}
"""Values that no request can say: it can only be stricter than the supervisor."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"AI_PAL_{name.upper()}"


_OF_TABLES = tuple(f"{variable(name)}_" for name in CLIENTS)


def travels(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says something of this setting that goes with each request."""
    return bool(environ.get(variable(name))) and not _stays(variable(name), environ)


def supervisor_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without what says nothing of a supervisor."""
    dropped = {variable(name) for name in TRAVEL | CLIENTS}
    return {
        name: text
        for name, text in environ.items()
        if not (name in dropped or name.startswith(_OF_TABLES)) or _stays(name, environ)
    }


def _stays(name: str, environ: Mapping[str, str]) -> bool:
    try:
        return name in _CANNOT_TRAVEL and _CANNOT_TRAVEL[name](environ[name])
    except ValueError:
        return True  # a mistake, and told as such
