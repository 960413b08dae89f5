"""What the faces have in common: settings, the switch, and the way to the supervisor."""

import os
import time
from pathlib import Path
from typing import NoReturn

from ai_pal import catalog, privacy
from ai_pal.catalog.known.twins import twin
from ai_pal.client.asking import Asking
from ai_pal.client.prompt import Prompt
from ai_pal.client.requests import Using
from ai_pal.client.sampling import Sampling
from ai_pal.config import load_settings, paths
from ai_pal.config.clouds import OLLAMA, ollama_url, provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.errors import Code, fail
from ai_pal.models import names, supervisors
from ai_pal.models.question import Question, question
from ai_pal.models.supervisors import Needs
from ai_pal.models.switch import direct_loading, switched_off
from ai_pal.protocol.provider import OLLAMA_URL, Provider

Folder = str | os.PathLike[str]


class Access:
    """How one face gets its answers. Raises `AiPalError` (`config_invalid`)."""

    def __init__(
        self,
        enabled: bool = True,
        model_cache_dir: Folder | None = None,
        base_url: str = OLLAMA_URL,
        auto_pull: bool | None = None,
    ) -> None:
        self._settings, self._read_at = load_settings().settings, time.monotonic()
        self.enabled = direct_loading(enabled, os.environ)
        usual = ollama_url(self._settings, os.environ) or OLLAMA_URL
        url = usual if base_url == OLLAMA_URL else base_url.rstrip("/")
        cache = "" if model_cache_dir is None else os.path.abspath(paths.expanded(os.fspath(model_cache_dir)))
        self._needs = Needs(cache, "" if url == usual else url)
        self._on_this_machine = privacy.stays_here(Provider(OLLAMA, "ollama", url))
        pull_all = self._settings.auto_pull if auto_pull is None else auto_pull
        self.pull_limit = 0 if pull_all else UNASKED_BYTES

    def question(self, prompt: Prompt, options: Sampling) -> Question:
        """The question, if it can be asked. Raises `AiPalError`."""
        return question(prompt, options)

    def model(self, name: str) -> str:
        """The reference of a model of this machine; empty is the default model. Raises `AiPalError`."""
        name = name or self._settings.model
        if elsewhere(name, provider_names(self._settings)) is not None:
            _not_here(name)
        return names.reference(name or catalog.default_model(self._settings), self._settings, Path.cwd())

    def anywhere(self, name: str) -> str:
        """The reference of a model of this machine or of a provider; empty lets the router choose."""
        return catalog.absolute(name, Path.cwd(), self._settings) if name else ""

    def locally(self, name: str) -> Asking:
        """How a model is asked by AI-PAL itself and then by Ollama, or by Ollama alone while direct loading
        is off, and by nobody else. Raises `AiPalError`."""
        name = catalog.meant(name or self._settings.model, self._settings)
        there = elsewhere(name, provider_names(self._settings))
        if there is not None and there.provider != OLLAMA:
            _not_here(name)
        reference = name if there is not None else self.model(name)
        if there is None and not self.enabled:
            known = twin(reference, self._settings)
            if not known:
                raise switched_off(reference)
            reference = f"{OLLAMA}:{known}"
        return Asking(
            model=reference,
            pull=True,
            pull_limit=self.pull_limit,
            local_only=self._on_this_machine or self.private(),
        )

    def directly(self, reference: str) -> Asking:
        """How a model is asked that AI-PAL itself loads. Raises `AiPalError` (`direct_loading_off`)."""
        if not self.enabled:
            raise switched_off()
        return Asking(model=reference, pull=True, pull_limit=self.pull_limit, local_only=True, fallback=False)

    def using(self, reference: str) -> Using:
        """How a model is used that AI-PAL itself loads, and that answers no question. Raises `AiPalError`
        (`direct_loading_off`)."""
        if not self.enabled:
            raise switched_off()
        return Using(model=reference, pull=True, pull_limit=self.pull_limit)

    def private(self, goal: str = "") -> bool:
        """Whether the settings keep a request with this goal on this machine, whatever those are that the
        supervisor was started with."""
        return self._settings.private(goal)

    @property
    def mine(self) -> bool:
        """Whether they keep all requests on the user's own machines."""
        return self._settings.mine

    def endpoint(self) -> str:
        """Where the supervisor listens, which is started if need be. Blocks. Raises `AiPalError`."""
        return supervisors.endpoint_for(self._needs, self._settings, self._read_at)

    def running_endpoint(self) -> str:
        """Where the supervisor listens; empty when none runs."""
        return supervisors.running_endpoint(self._needs, self._settings)


def _not_here(name: str) -> NoReturn:
    fail(Code.BAD_REQUEST, f"{name} is no model of this machine", "use MultiModelOrchestrator for it")
