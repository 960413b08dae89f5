"""Fixtures of the process tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.homes import Environ, environment, stop_supervisor


@pytest.fixture
def home(ai_pal_home: Path) -> Iterator[Environ]:
    """The environment for commands of this test; the supervisor they start is stopped at the end."""
    environ = environment(ai_pal_home)
    yield environ
    stop_supervisor(environ)
