"""GGUF files of a repository by their names: quantizations, parts, the projector. Pure."""

import re
from collections.abc import Collection, Iterable

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats.gguf_parts import part_names

_NAMES = r"I?Q[1-8]\w*|TQ\d_\d|MXFP4\w*|NVFP4\w*|[BF]F?16|F32|fp16"
_QUANT = re.compile(rf"(?<![A-Za-z0-9])((?:{_NAMES})|q[1-8])(?![A-Za-z0-9])", re.IGNORECASE)
_BITS = re.compile(r"16|32|\d")
_USUAL = ("k_m", "k_xl", "k_l", "k_s", "_0", "_1")
"""Of the same bits, in this order."""


def quant(name: str) -> str:
    """The quantization that a GGUF file's name tells, empty for another file."""
    found = _QUANT.findall(name.rpartition("/")[2]) if name.lower().endswith(".gguf") else []
    return str(found[-1]) if found else ""


def is_quant(name: str) -> bool:
    """Whether this is how a quantization is called."""
    return _QUANT.fullmatch(name) is not None


def plain(name: str) -> str:
    """A quantization as it is compared: `UD-Q4_K_XL`, as one maker calls its own way of making one, is
    `q4_k_xl`; a file's name stays."""
    found = quant(name) if name.lower().endswith(".gguf") else name
    return (found or name).lower().removeprefix("ud-")


def quants(names: Iterable[str]) -> list[str]:
    """The quantizations to choose from in a repository."""
    return sorted({found for name in names if not is_projector(name) and (found := quant(name))})


def is_projector(name: str) -> bool:
    """Whether this GGUF is what another model sees or hears with."""
    return name.lower().endswith(".gguf") and "mmproj" in name.lower()


def projector(names: Iterable[str]) -> str | None:
    """The projector to take from a repository: of 16 bits where there is one, as its makers tested it."""
    found = [name for name in names if is_projector(name)]
    return min(found, key=lambda name: (bits(quant(name)) != 16, len(name), name), default=None)


def gguf_file(names: Collection[str], wanted: str, what: str, *, nearest: bool = False) -> str:
    """The file for `org/name:wanted`, by its whole name or its quantization; the first one of its parts. With
    `nearest` the quantization that comes nearest, where that one is not there.

    Raises `AiPalError` (`model_invalid`) that lists what there is."""
    if wanted in names and wanted.lower().endswith(".gguf"):
        return _first_of_all(wanted, names, what)
    there = quants(names)
    wanted = plain(wanted) if is_quant(wanted.upper().removeprefix("UD-")) else wanted
    if nearest and there and wanted.lower() not in map(str.lower, there):
        wanted = min(there, key=lambda one: _distance(one, wanted))
    fitting = [n for n in names if quant(n).lower() == wanted.lower() and wanted and not is_projector(n)]
    if fitting:
        whole = [name for name in fitting if gguf_parts(name, what) == [name]]
        chosen = min(whole or fitting, key=lambda name: (len(name), name))
        return _first_of_all(chosen, names, what)
    hint = f"it has: {', '.join(there)}" if there else "it has no GGUF files"
    raise AiPalError(Failure(Code.MODEL_INVALID, f"{what} has no GGUF file {wanted!r}", hint))


def gguf_parts(name: str, what: str) -> list[str]:
    """All files that a GGUF is split into. Raises `AiPalError` (`model_invalid`) for impossible numbers."""
    try:
        return part_names(name)
    except ValueError as error:
        fail(Code.MODEL_INVALID, f"{what}: {error}", "choose another file")


def preferred(found: list[str]) -> str:
    """The quantization to name where a person has to choose one."""
    return next((name for name in found if name.lower() == "q4_k_m"), found[0])


def usual(found: Iterable[str]) -> str:
    """The quantization that most people take, or what comes nearest to it."""
    return min(found, key=lambda one: _distance(one, "Q4_K_M"))


def _distance(one: str, wanted: str) -> tuple[bool, int, int, str]:
    """Larger ones come before smaller ones: they lose nothing that was wanted."""
    has, want = bits(one), bits(wanted)
    usual = next((at for at, end in enumerate(_USUAL) if one.lower().endswith(end)), len(_USUAL))
    return has < want, abs(has - want), usual, one


def bits(name: str) -> int:
    """Of one weight, by the name of a quantization or a file; 0 for another name."""
    found = _BITS.search(name)
    return int(found[0]) if found else 0


def _first_of_all(name: str, names: Collection[str], what: str) -> str:
    parts = gguf_parts(name, what)
    for lacking in sorted(set(parts) - set(names)):
        fail(Code.MODEL_INVALID, f"{what} lacks {lacking}", "it is incomplete: choose another")
    return parts[0]
