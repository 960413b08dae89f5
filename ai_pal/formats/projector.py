"""Projectors (mmproj): what a GGUF model sees or hears with, in a file of its own beside the model."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats.gguf import Header, pooling_of, read_header

MARK = "mmproj"
"""By this part of their names they are found."""
ARCHITECTURE = "clip"
WHOLE = ("gemma3", "gemma4v", "gemma4uv")
"""Kinds whose pictures a model reads as a whole, every token of one looking at all others of it."""
LARGEST_WHOLE = 288
"""Tokens that such a picture has at most, rounded up."""

OFF = "off"
"""In place of a name: the model is loaded without one."""


class Projector(NamedTuple):
    """The file, and what its front says."""

    path: Path
    header: Header

    @property
    def reads_whole(self) -> bool:
        return self.header.projector in WHOLE


def projector_of(model: Path, header: Header, named: str) -> Projector | None:
    """What a model is loaded with: the projector that is named, or the one beside it, if it fits.

    Raises `AiPalError` (`model_invalid`) where the named one is none."""
    if pooling_of(header) or named == OFF:
        return None
    if named:
        return Projector(Path(named), read_projector(Path(named)))
    with contextlib.suppress(AiPalError, OSError):
        if (path := _beside(model)) is not None and not misfit(header, found := read_projector(path)):
            return Projector(path, found)
    return None


def read_projector(path: Path) -> Header:
    """Raises `AiPalError` (`model_invalid`) for a file that is none."""
    if not path.is_file():
        fail(Code.MODEL_INVALID, f"there is no projector (mmproj) {path}", "correct mmproj, or leave it out")
    header = read_header(path)
    if header.architecture != ARCHITECTURE:
        fail(
            Code.MODEL_INVALID,
            f"{path} is no projector (mmproj): it holds a model ({header.architecture or 'unknown'})",
            "name the file with mmproj in its name that belongs to the model",
        )
    return header


def misfit(model: Header, projector: Header) -> str:
    """Why a projector does not belong to a model; "" where nothing tells."""
    if not (model.width and projector.width) or model.width == projector.width:
        return ""
    return (
        f"its projector (mmproj) is for a model with {projector.width} numbers per token, "
        f"and this one has {model.width}"
    )


def _beside(model: Path) -> Path | None:
    """The one projector in the folder of a model; None where there is none, or several."""
    found = [path for path in model.parent.glob("*.gguf") if MARK in path.name.lower() and path != model]
    return found[0] if len(found) == 1 else None
