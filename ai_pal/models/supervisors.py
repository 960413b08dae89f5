"""Which supervisor serves a model cache: the user's, or one of this process for a cache of its own."""

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


class _Own(NamedTuple):
    """A supervisor of this process; `stack` ends it."""

    client: Client
    stack: contextlib.ExitStack


_own: dict[tuple[int, str], _Own] = {}
"""By process and cache: a forked child starts its own, and never ends those of its parent."""

_lock = threading.Lock()
"""Threads that ask at the same time start one supervisor, not one each."""


def endpoint_for(cache: str, settings: Settings) -> str:
    """Where the supervisor of this cache listens ("": whatever cache the user's has); one is started
    where none runs. Blocks, for seconds at most. Raises `AiPalError`."""
    wanted = os.path.realpath(cache or catalog.cache_dir(settings))
    may_start = not cache or wanted == os.path.realpath(catalog.cache_dir(settings))
    with _lock:
        return _users(wanted if cache else "", settings, start=may_start) or _own_endpoint(wanted)


def running_endpoint(cache: str, settings: Settings) -> str:
    """As `endpoint_for`, but starts nothing: empty where no supervisor runs."""
    wanted = os.path.realpath(cache) if cache else ""
    found = _users(wanted, settings, start=False)
    own = _own.get((os.getpid(), wanted))
    return found or (own.client.endpoint if own and not own.client.lost else "")


def _users(wanted: str, settings: Settings, *, start: bool) -> str:
    """The endpoint of the user's supervisor, empty if there is none or it has another cache."""
    try:
        with connect(settings, start=start, notify=log.warning) as client:
            has = client.welcome.model_cache_dir
            return client.endpoint if not wanted or (has and os.path.realpath(has) == wanted) else ""
    except AiPalError as error:
        if start or error.code != Code.SUPERVISOR_UNREACHABLE:
            raise
        return ""


def _own_endpoint(cache: str) -> str:
    key = (os.getpid(), cache)
    own = _own.get(key)
    if own is None or own.client.lost:
        if own is not None:
            own.stack.close()
        stack = contextlib.ExitStack()
        own = _own[key] = _Own(stack.enter_context(hosted(model_cache_dir=cache)), stack)
    return own.client.endpoint


@atexit.register
def end_own() -> None:
    """Stop the supervisors of this process; done by itself when it ends."""
    for (pid, _), own in list(_own.items()):
        if pid == os.getpid():
            own.stack.close()
    _own.clear()
