"""Whether a model may be downloaded is asked only where that would help."""

from types import SimpleNamespace

import pytest

from ai_pal.cli.prompts.chat.fetching import may_fetch
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.config import Settings


def test_what_is_here_and_missing_on_nodes_alone_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SimpleNamespace(wanted=object(), is_here=True)
    monkeypatch.setattr("ai_pal.catalog.find", lambda model, settings: here)
    assert not may_fetch("m", 0, Settings(), Terminal(stdin=True, stdout=True, stderr=True))
