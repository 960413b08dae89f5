"""Which models other machines of the user's have told last: what lists name while nobody asks them.

Kept with what the machine is known by, so that another one of the same name inherits nothing."""

import os
from collections.abc import Iterable, Mapping

import msgspec

from ai_pal.config import Settings, paths
from ai_pal.config.machine_settings import mark_of
from ai_pal.config.whole_file import alone, write_whole

MOST = 500
"""Models of one machine that are kept."""


class Told(msgspec.Struct, frozen=True):
    """What the machine of this mark (`mark_of`) has told."""

    mark: str
    models: list[str]


def told_models(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, list[str]]:
    """The models of the machines in the settings; none of those that have told nothing yet. What cannot be
    read says nothing."""
    kept = _read(environ) if settings.machines else {}
    return {
        name: kept[name].models
        for name, setting in settings.machines.items()
        if name in kept and kept[name].mark == mark_of(setting)
    }


def keep_models(name: str, mark: str, models: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
    """The machine has told this. Raises OSError."""
    _change(name, Told(mark, sorted(models)[:MOST]), environ)


def forget_models(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """The machine is gone from the settings. Raises OSError."""
    if name in _read(environ):
        _change(name, None, environ)


def _change(name: str, told: Told | None, environ: Mapping[str, str]) -> None:
    file = paths.machine_models_file(environ)
    with alone(file.parent):
        kept = _read(environ)
        if kept.get(name) == told:
            return
        kept.pop(name, None)
        if told is not None:
            kept[name] = told
        write_whole(file, msgspec.json.encode(kept))


def _read(environ: Mapping[str, str]) -> dict[str, Told]:
    try:
        return msgspec.json.decode(paths.machine_models_file(environ).read_bytes(), type=dict[str, Told])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
