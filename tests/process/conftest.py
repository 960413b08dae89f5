"""Fixtures of the process tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ai_pal.config import paths
from tests.nursery import NURSERIES
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, environment, stop_supervisor
from tests.process.supervised import Supervised, workers_in


@pytest.fixture
def home(ai_pal_home: Path) -> Iterator[Environ]:
    """The environment for commands of this test; the supervisor they start is stopped at the end."""
    environ = environment(ai_pal_home)
    yield environ
    stop_supervisor(environ)


@pytest.fixture
def program() -> tuple[str, ...] | None:
    """What Python runs as a supervisor, or none: then a nursery has it at once."""
    return None


@pytest.fixture
def nurseries() -> tuple[str, ...]:
    """Which that one has its workers from; else Python starts them."""
    return ("llamacpp",)


@pytest.fixture
def supervise(
    ai_pal_home: Path, program: tuple[str, ...] | None, nurseries: tuple[str, ...]
) -> Iterator[Callable[..., Supervised]]:
    """Starts `ai-pal supervise` in the home of this test, with the settings given; ends it afterwards."""
    with ExitStack() as started:
        environ = environment(ai_pal_home) | {NURSERIES: " ".join(nurseries)}
        yield lambda **settings: started.enter_context(Supervised(environ, program, **settings))
    run_dir = paths.run_dir(environment(ai_pal_home))
    eventually(lambda: not workers_in(run_dir), within=allowed(1.0))


@pytest.fixture
def daemon(supervise: Callable[..., Supervised]) -> Supervised:
    """A supervisor whose default model is echo."""
    return supervise()
