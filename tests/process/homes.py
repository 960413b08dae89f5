"""The environment of commands under test, and the supervisor that they start in it."""

import os
from contextlib import suppress
from pathlib import Path

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.errors import AiPalError

STOP_SECONDS = 30.0
_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")

Environ = dict[str, str]


def environment(home: Path) -> Environ:
    """All files in `home`, the echo model unless another is named, a colour terminal."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "HOME": str(home),
        "AI_PAL_HOME": str(home),
        "AI_PAL_MODEL": "echo",
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }


def client_endpoint(environ: Environ) -> str:
    """Where the supervisor of this home listens."""
    return f"ipc://{paths.run_dir(environ) / 'front.sock'}"


def listens(environ: Environ) -> bool:
    """Whether a supervisor runs in this home."""
    try:
        Client(client_endpoint(environ), timeout=10.0).close()
    except AiPalError:
        return False
    return True


def stop_supervisor(environ: Environ) -> None:
    """Stop the supervisor of this home, if one runs, and wait until it is gone."""
    try:
        client = Client(client_endpoint(environ), timeout=10.0)
    except AiPalError:
        return
    with client:
        with suppress(AiPalError):  # it may be gone before its reply is out
            client.stop()
        assert client.wait_gone(STOP_SECONDS)
