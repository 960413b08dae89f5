"""Which supervisor serves: the user's, or one of this process with a cache or an Ollama of its own."""

import atexit
import contextlib
import logging
import os
import threading
from typing import NamedTuple

from ai_pal import catalog
from ai_pal.client import Client
from ai_pal.client.daemon import connect, hosted
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code

log = logging.getLogger(__name__)


class Needs(NamedTuple):
    """What a supervisor must have; empty is whatever the user's has. `cache` is an absolute path."""

    cache: str = ""
    ollama: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a supervisor that has it."""
        named = {"AI_PAL_MODEL_CACHE_DIR": self.cache, "AI_PAL_OLLAMA_BASE_URL": self.ollama}
        return {name: value for name, value in named.items() if value}


class _Own(NamedTuple):
    """A supervisor of this process; `stack` ends it."""

    client: Client
    stack: contextlib.ExitStack


_own: dict[tuple[int, Needs], _Own] = {}
"""By process and wish: a forked child starts its own, and never ends those of its parent."""

_lock = threading.Lock()
"""Threads that ask at the same time start one supervisor, not one each."""


def endpoint_for(needs: Needs, settings: Settings, read_at: float | None = None) -> str:
    """Where a supervisor that has all of this listens; one is started where none runs. The settings were
    read at `read_at` by `time.monotonic`. Blocks, for seconds at most. Raises `AiPalError`."""
    needs = needs._replace(cache=os.path.realpath(needs.cache) if needs.cache else "")
    may_start = needs.cache in ("", os.path.realpath(catalog.cache_dir(settings)))
    with _lock:
        users = "" if needs.ollama else _users(needs.cache, settings, start=may_start, read_at=read_at)
        return users or _own_endpoint(needs)


def running_endpoint(needs: Needs, settings: Settings) -> str:
    """As `endpoint_for`, but starts nothing: empty where no supervisor runs."""
    needs = needs._replace(cache=os.path.realpath(needs.cache) if needs.cache else "")
    found = "" if needs.ollama else _users(needs.cache, settings, start=False)
    own = _own.get((os.getpid(), needs))
    return found or (own.client.endpoint if own and not own.client.lost else "")


def _users(cache: str, settings: Settings, *, start: bool, read_at: float | None = None) -> str:
    """The endpoint of the user's supervisor, empty if there is none or it has another cache."""
    try:
        with connect(settings, start=start, notify=log.warning, read_at=read_at) as client:
            has = client.welcome.model_cache_dir
            return client.endpoint if not cache or (has and os.path.realpath(has) == cache) else ""
    except AiPalError as error:
        if start or error.code != Code.SUPERVISOR_UNREACHABLE:
            raise
        return ""


def _own_endpoint(needs: Needs) -> str:
    key = (os.getpid(), needs)
    own = _own.get(key)
    if own is None or own.client.lost:
        if own is not None:
            own.stack.close()
        stack = contextlib.ExitStack()
        own = _own[key] = _Own(stack.enter_context(hosted(needs.environment)), stack)
    return own.client.endpoint


@atexit.register
def end_own() -> None:
    """Stop the supervisors of this process; done by itself when it ends."""
    for (pid, _), own in list(_own.items()):
        if pid == os.getpid():
            own.stack.close()
    _own.clear()
