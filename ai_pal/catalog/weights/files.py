"""Model files on this disk, checked before a worker is started for them."""

import os
import stat
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from ai_pal.catalog.weights import layout
from ai_pal.catalog.weights.ggufs import gguf_parts
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats.gguf import check_whole
from ai_pal.formats.gguf_parts import part_paths

GGUF_MAGIC = b"GGUF"
_MAX_HEADER = 100_000_000


def checked_model(path: Path) -> tuple[str, str]:
    """(engine, path) of a GGUF file or a folder of Hugging Face's layout.

    Raises `AiPalError`: `model_invalid`, `model_not_found`, `file_unreadable`."""
    if not path.is_absolute():
        fail(Code.MODEL_INVALID, f"{path} is a relative path", "give the absolute path of the model")
    try:
        # stat before open: opening a FIFO would block the caller.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            check_folder(path)
            return "transformers", str(path)
        magic = _first_bytes(path) if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        fail(Code.MODEL_NOT_FOUND, f"there is no file {path}", "check the path, or see: ai-pal list")
    except OSError as error:
        fail(Code.FILE_UNREADABLE, f"{path} cannot be read: {error.strerror}", "check its permissions")
    except ValueError:
        fail(Code.MODEL_INVALID, f"{str(path)!r} is not a possible path", "give the path of a model")
    if magic != GGUF_MAGIC:
        fail(
            Code.MODEL_INVALID, f"{path} is not a GGUF model file", "download it again, or name another file"
        )
    return "llamacpp", str(_first_part(path))


def damage(path: str) -> Failure | None:
    """Why a file or folder that is here is no whole model: a file that was cut off, say."""
    try:
        engine, whole = checked_model(Path(path))
        if engine == "llamacpp":
            parts = [part.stat() for part in part_paths(Path(whole))]
            return _damage(whole, *((part.st_size, part.st_mtime_ns) for part in parts))
    except AiPalError as error:
        return error.failure
    except OSError as error:
        return Failure(Code.FILE_UNREADABLE, f"{path} cannot be read: {error.strerror}")
    return None


@lru_cache(maxsize=256)
def _damage(path: str, *_stamps: tuple[int, int]) -> Failure | None:
    try:
        check_whole(Path(path))
    except AiPalError as error:
        return error.failure
    return None


def _first_part(path: Path) -> Path:
    """What llama.cpp is given, for a GGUF in parts. Raises `AiPalError` unless all of them are there."""
    gguf_parts(path.name, str(path.parent))  # impossible numbers are told as such
    parts = part_paths(path)
    for part in parts:
        if len(parts) > 1 and not part.is_file():
            hint = "put all parts into one folder, or pull the model again"
            fail(Code.MODEL_INVALID, f"{path.parent} lacks {part.name}", hint)
    return parts[0]


def check_folder(folder: Path) -> None:
    """Raises `AiPalError` (`model_invalid`, `file_unreadable`) unless `folder` is a whole model."""
    what = str(folder)
    try:
        layout.check_names({entry.name for entry in folder.iterdir()}, what)
        layout.read_config((folder / layout.CONFIG).read_bytes(), what)
        for name in sorted(weight_files(folder)):
            _check_weights(folder / name)
    except OSError as error:
        fail(Code.FILE_UNREADABLE, f"{what} cannot be read: {error.strerror}", "check its permissions")


class Manifest(msgspec.Struct, frozen=True):
    """Beside a verified file: what it is and where it came from."""

    source: str
    sha256: str
    size: int
    fetched_at: str


def manifest(path: Path) -> Manifest | None:
    """What was noted about a file when it was checked, if there is a readable note."""
    try:
        return msgspec.json.decode(manifest_path(path).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def manifest_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def is_verified(path: Path, sha256: str) -> bool:
    """Whether the hash of this file was checked once."""
    noted = manifest(path)
    return noted is not None and noted.sha256 == sha256


def weight_files(folder: Path) -> set[str]:
    """The names of a model's safetensors files."""
    if (folder / layout.INDEX).exists():
        return layout.shards((folder / layout.INDEX).read_bytes(), str(folder))
    return {layout.WEIGHTS}


def size_of(path: str) -> int:
    """Bytes of weights that a load reads: a file with all its parts, or the safetensors of a folder."""
    where = Path(path)
    if where.is_dir():
        return sum((where / name).stat().st_size for name in weight_files(where))
    return sum(part.stat().st_size for part in part_paths(where))


def stamp_of(path: str, beside: Iterable[Path] = ()) -> str:
    """Tells these very files, and those `beside`, from others of the same name: where they are, their sizes
    and when they were written. Raises OSError and `AiPalError` as `weight_files`."""
    where = Path(os.path.realpath(path) if os.path.islink(path) else path)
    if where.is_dir():
        names = [layout.CONFIG, *sorted(weight_files(where))]
        files = [where / name for name in names]
    else:
        files = part_paths(where)
    return " ".join(_stamp(file.stat()) for file in (*files, *beside))


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"


def _check_weights(file: Path) -> None:
    try:
        found = file.stat()
        expected = _expected_size(str(file), found.st_size, found.st_mtime_ns)
    except FileNotFoundError:
        fail(Code.MODEL_INVALID, f"{file.parent} lacks {file.name}", "pull the model again")
    if found.st_size != expected:
        cut = f"{file} has {found.st_size:,} bytes instead of {expected:,}"
        message = cut if expected > 0 else f"{file} is no safetensors file"
        fail(Code.MODEL_INVALID, message, "it was cut off or damaged: pull the model again")


class _Tensor(msgspec.Struct):
    data_offsets: tuple[int, int] = (0, 0)


@lru_cache(maxsize=256)
def _expected_size(path: str, size: int, changed: int) -> int:
    """The size that a safetensors header announces; -1 for a header that is none."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size, _MAX_HEADER):
            return -1
        header = file.read(length)
    try:
        tensors = msgspec.json.decode(header, type=dict[str, _Tensor])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return -1
    return 8 + length + max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(GGUF_MAGIC))
