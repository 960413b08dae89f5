"""What the keys of `ai-pal top` mean: which line is chosen, and what is to be done with it. Pure."""

from typing import Literal

import msgspec

from ai_pal.client.scene import Scene
from ai_pal.config.dotted import dotted
from ai_pal.protocol.client import WorkerStatus

Kind = Literal["model", "request"]


class Line(msgspec.Struct, frozen=True):
    """A line that can be chosen: a model by its name, a request by its key."""

    kind: Kind
    name: str


class Unload(msgspec.Struct, frozen=True):
    """Take this model out of memory."""

    model: str


class Keep(msgspec.Struct, frozen=True):
    """Keep this model loaded for ever, or as long as is usual."""

    model: str
    forever: bool


class CallOff(msgspec.Struct, frozen=True):
    """Stop the request of this key."""

    key: str


class Quit(msgspec.Struct, frozen=True):
    """Leave."""


Action = Unload | Keep | CallOff | Quit


class View(msgspec.Struct, frozen=True):
    """What is shown beside the scene: the line that is `chosen`, and its `place` among those of its kind;
    what is `asked` about before it is done, the `message` of what was done last, whether `help` is shown."""

    chosen: Line | None = None
    place: int = 0
    asked: Unload | CallOff | None = None
    message: str = ""
    help: bool = False


_KEYS = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"k": "up",
    b"j": "down",
    b"h": "?",
    b"Q": "q",
}


def keys_of(typed: bytes) -> list[str]:
    """The keys in what was read from a terminal; sequences that mean nothing here are left out."""
    keys = []
    while typed:
        size = next((3 for begin in (b"\x1b[", b"\x1bO") if typed.startswith(begin)), 1)
        key, typed = typed[:size], typed[size:]
        keys.append(_KEYS.get(key) or key.decode("ascii", "replace"))
    return keys


def lines_of(scene: Scene) -> list[Line]:
    """All that can be chosen, as it stands on the screen."""
    return [
        *(Line("model", name) for name in scene.models),
        *(Line("request", key) for key in scene.requests),
    ]


def settled(view: View, scene: Scene) -> View:
    """The view on a scene that has changed: what is gone is not chosen, and not asked about. In its place
    stands what has moved up there, of the same kind if there is any."""
    lines = lines_of(scene)
    if view.chosen in lines:
        return msgspec.structs.replace(view, place=_alike(view.chosen, lines).index(view.chosen))
    if not (lines or view.chosen):
        return view
    alike = _alike(view.chosen, lines) or lines
    near = alike[min(view.place, len(alike) - 1)] if alike else None
    return msgspec.structs.replace(view, chosen=near, place=view.place if near else 0, asked=None)


def _alike(line: Line | None, lines: list[Line]) -> list[Line]:
    return [one for one in lines if line is None or one.kind == line.kind]


def pressed(view: View, key: str, scene: Scene) -> tuple[View, Action | None]:
    """What a key makes of the view, and what is to be done."""
    view = msgspec.structs.replace(settled(view, scene), message="")
    if view.asked is not None:
        return msgspec.structs.replace(view, asked=None), view.asked if key in ("y", "Y") else None
    if key == "q":
        return view, Quit()
    if view.help or key == "?":
        return msgspec.structs.replace(view, help=not view.help), None
    if key in ("up", "down"):
        moved = msgspec.structs.replace(view, chosen=_moved(view, scene, 1 if key == "down" else -1))
        return settled(moved, scene), None
    if key in _DOES and view.chosen is None:
        return _says(view, "nothing is loaded, and nothing is asked"), None
    if key in _DOES and view.chosen is not None:
        return _DOES[key](view, view.chosen, scene)
    return view, None


def _moved(view: View, scene: Scene, by: int) -> Line | None:
    lines = lines_of(scene)
    if view.chosen is None:
        return None
    return lines[min(max(lines.index(view.chosen) + by, 0), len(lines) - 1)]


def _unload(view: View, line: Line, scene: Scene) -> tuple[View, Action | None]:
    model = _model_of(line, scene)
    if model is None:
        return _says(view, "choose a model to unload it"), None
    action = Unload(model.model)
    if model.active or model.queued:
        return msgspec.structs.replace(view, asked=action), None
    return view, action


def _keep(view: View, line: Line, scene: Scene) -> tuple[View, Action | None]:
    model = _model_of(line, scene)
    if model is None or model.vocabulary:
        return _says(view, "choose a model to pin it"), None
    if model.pinned:
        setting = dotted("models", model.asked_as.partition("?")[0], "pin")
        return _says(view, f"the settings pin it: ai-pal config unset {setting}"), None
    return view, Keep(model.asked_as, model.keep_alive >= 0)


def _call_off(view: View, line: Line, scene: Scene) -> tuple[View, Action | None]:
    if line.kind != "request":
        return _says(view, "choose a request to cancel it"), None
    return msgspec.structs.replace(view, asked=CallOff(line.name)), None


def _model_of(line: Line, scene: Scene) -> WorkerStatus | None:
    return scene.models.get(line.name) if line.kind == "model" else None


def _says(view: View, message: str) -> View:
    return msgspec.structs.replace(view, message=message)


_DOES = {"u": _unload, "p": _keep, "c": _call_off}
