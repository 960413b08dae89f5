"""A model file that is on this machine already, for instance carried over on a stick."""

from pathlib import Path

from ai_pal.errors import Code, fail
from ai_pal.protocol.wanted import LocalFile
from ai_pal.sources.base import Progress, copy_hashed


class FileSource:
    """Copies a local file."""

    def __init__(self, spec: LocalFile) -> None:
        self._path = Path(spec.path)

    def fetch(self, into: Path, size: int, progress: Progress) -> str:
        try:
            file = self._path.open("rb")
        except OSError as error:
            fail(Code.FILE_UNREADABLE, f"{self._path} cannot be read: {error.strerror}", "check the path")
        with file:
            return copy_hashed(file, into, size, progress)
