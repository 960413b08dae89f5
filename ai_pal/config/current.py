"""The settings of a supervisor while it runs: those of its start, and what the config file says by now of the
settings that need no other supervisor (`owners.LIVE`)."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.config import paths
from ai_pal.config.fingerprint import fingerprint
from ai_pal.config.load import load_settings
from ai_pal.config.owners import LIVE
from ai_pal.errors import AiPalError


class CurrentSettings:
    """What is in force now: `settings`, their `fingerprint`, and where each came from (`origins`)."""

    def __init__(
        self, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Raises `AiPalError` (`config_invalid`) as `load_settings`."""
        self._overrides, self._environ = overrides, environ
        self._file = paths.config_file(environ)
        self._stamp = self._look()
        loaded = load_settings(overrides, environ)
        self.settings, self.origins = loaded
        self.fingerprint = fingerprint(loaded, environ)

    def renewed(self) -> bool:
        """Whether the file has changed what is in force. A file that is wrong changes nothing: whoever reads
        it next is told why."""
        if (stamp := self._look()) == self._stamp:
            return False
        self._stamp = stamp
        try:
            loaded = load_settings(self._overrides, self._environ)
        except AiPalError:
            return False
        taken = {name: getattr(loaded.settings, name) for name in LIVE}
        before, self.settings = self.settings, msgspec.structs.replace(self.settings, **taken)
        kept = {name: said for name, said in self.fingerprint.items() if not _is_live(name)}
        new = fingerprint(loaded, self._environ)
        self.fingerprint = kept | {name: said for name, said in new.items() if _is_live(name)}
        return before != self.settings

    def _look(self) -> tuple[int, ...]:
        """What tells this state of the file from another; empty where there is none."""
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_live(name: str) -> bool:
    return name.partition(".")[0] in LIVE
