"""Small files of the user's that change whole or not at all, and that only their owner can read."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ai_pal.errors import Code, fail

T = TypeVar("T")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two that change a file of `folder` do so one after the other. Makes the folder. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)  # held for a few milliseconds by whoever has it
        yield
    finally:
        os.close(number)


def read_whole(file: Path, kind: type[T], nothing: T, hint: str) -> T:
    """What the JSON of `file` says, or `nothing` where there is none. Raises `AiPalError`: it cannot be read,
    or is damaged, and the `hint` says what to do then once it is removed."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return nothing
    except OSError as error:
        fail(Code.FILE_UNREADABLE, f"{file} cannot be read: {error.strerror}", "check its owner")
    except msgspec.DecodeError as error:
        fail(Code.FILE_UNREADABLE, f"{file} is damaged: {error}", f"remove it, and {hint} (rm {file})")


def write_whole(file: Path, data: bytes) -> None:
    """Put `data` into the place of `file`, or behind the link that it is. Raises OSError."""
    import tempfile  # a slow import, and few commands change anything

    target = Path(os.path.realpath(file))
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
        try:
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
            os.replace(new.name, target)
        except BaseException:
            os.unlink(new.name)
            raise
