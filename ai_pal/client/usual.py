"""The defaults that a client's own settings give its requests."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from ai_pal.config import Settings, load_settings
from ai_pal.config.owners import TRAVEL, travels
from ai_pal.protocol.client import Goal


class Usual(NamedTuple):
    """As the keywords of `Asking`. `keep_alive` is weaker: a model's own setting, and what any request has
    said of the model, go over it."""

    model: str = ""
    goal: Goal = ""
    deadline: float | None = None
    keep_alive: float | None = None
    local_only: bool = False
    mine: bool = False


NOTHING = Usual()


def usual(settings: Settings, environ: Mapping[str, str] = os.environ) -> Usual:
    """What the environment says, for one supervisor serves many; what the config file says, it has read
    itself. Only privacy goes along in any case: the file may be younger than the supervisor."""

    def said(name: str) -> bool:
        return travels(name, environ)

    return Usual(
        settings.model if said("model") else "",
        settings.optimization_goal if said("optimization_goal") else "",
        settings.deadline if said("deadline") else None,
        settings.keep_alive if said("keep_alive") else None,
        settings.private(),
        settings.mine,
    )


def usual_here(environ: Mapping[str, str] = os.environ) -> Usual:
    """The same for a client that was given no settings. Raises `AiPalError` (`config_invalid`)."""
    if not any(travels(name, environ) for name in TRAVEL):
        return NOTHING
    return usual(load_settings(environ=environ).settings, environ)._replace(local_only=False, mine=False)
