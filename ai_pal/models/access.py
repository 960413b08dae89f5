"""What both faces have in common: settings, the switch, and the way to the supervisor."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai_pal.catalog import default_model
from ai_pal.config import load_settings
from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.models import names, supervisors
from ai_pal.models.question import Prompt, Question, question
from ai_pal.models.switch import direct_loading, switched_off

Folder = str | os.PathLike[str]


class Access:
    """How one provider or wrapper gets its answers. Raises `AiPalError` (`config_invalid`)."""

    def __init__(
        self, enabled: bool, model_cache_dir: Folder | None, base_url: str, auto_pull: bool | None
    ) -> None:
        self._settings = load_settings().settings
        self.enabled = direct_loading(enabled, os.environ)
        self._base_url = base_url
        self._cache = "" if model_cache_dir is None else str(Path(model_cache_dir).expanduser().absolute())
        pull_all = self._settings.auto_pull if auto_pull is None else auto_pull
        self.pull_limit = 0 if pull_all else UNASKED_BYTES

    def question(self, prompt: Prompt, options: Mapping[str, Any]) -> Question:
        """The question, if it can be asked. Raises `AiPalError`."""
        if not self.enabled:
            raise switched_off(self._base_url)
        return question(prompt, options)

    def model(self, name: str) -> str:
        """The reference of a model; empty is the default model."""
        return names.reference(name or default_model(self._settings), self._settings, Path.cwd())

    def endpoint(self) -> str:
        """Where the supervisor listens, which is started if need be. Blocks. Raises `AiPalError`."""
        return supervisors.endpoint_for(self._cache, self._settings)

    def running_endpoint(self) -> str:
        """Where the supervisor listens; empty when none runs."""
        return supervisors.running_endpoint(self._cache, self._settings) if self.enabled else ""
