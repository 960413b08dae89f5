"""How test processes collect: of a fresh clone each rewrites its share of the modules for all, and garbage is
looked for only in what tests make."""

import contextlib
import gc
import importlib
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    gc.disable()
    try:
        _import_share(session.config)
        return (yield)
    finally:
        gc.freeze()  # what is collected stays: looking through it takes most of a second each time
        gc.enable()


def _import_share(config: pytest.Config) -> None:
    """Pytest rewrites modules as it imports them, and keeps that beside them. Several processes that have the
    same before them would all do all of it; what is imported here, collecting finds imported."""
    worker: dict[str, str | int] | None = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    modules = [path for path in sorted(TESTS.rglob("test_*.py")) if not _in_package(path)]
    if len(list(TESTS.rglob("test_*-pytest-*.pyc"))) > len(modules) / 2:
        return
    share = modules[int(str(worker["workerid"]).removeprefix("gw")) :: int(worker["workercount"])]
    for path in share:
        name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        with contextlib.suppress(Exception):  # collecting tells what is wrong with it
            importlib.import_module(name)


def _in_package(path: Path) -> bool:
    """Pytest would call it by another name."""
    return (path.parent / "__init__.py").exists()
