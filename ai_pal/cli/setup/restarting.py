"""One dim line where the supervisor that runs cannot take a changed setting as it is."""

import contextlib

from ai_pal import __version__
from ai_pal.errors import AiPalError


def remark_on_restart() -> None:
    """Say what comes of the supervisor that runs, if it has other settings than those of now."""
    from ai_pal.cli.running import running
    from ai_pal.cli.terminal.streams import remark
    from ai_pal.client.standing import standing
    from ai_pal.config.fingerprint import own_fingerprint

    with contextlib.suppress(AiPalError), running() as client:  # a change that is made is no failure
        welcome = client.welcome
        found = standing(welcome, __version__, own_fingerprint())
        if found.differs and welcome.auto_started:
            who = f"the supervisor (pid {welcome.pid}) {found.differs}"
            remark(f"{who}: the next chat that finds it idle restarts it, and models are loaded anew")
        elif found.differs:
            remark(found.remark)
