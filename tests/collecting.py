"""How test processes collect: the tests are imported once for all of them, and garbage is looked for only in
what tests make."""

import gc
import shlex
import sys
from collections.abc import Generator, Sequence

import execnet
import pytest
from xdist.remote import Producer

from tests import nursery
from tests.together import TogetherScheduling


def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[execnet.XSpec]) -> None:
    """Test processes are forked from one that has imported what all of them will collect."""
    address = nursery.address_of(nursery.TESTS)
    nursery.start(address, nursery.TESTS, *dict.fromkeys(arg.partition("::")[0] for arg in config.args))
    for spec in specs:
        spec.python = shlex.join([sys.executable, "-P", "-m", "tests.forked", address.removeprefix("\0")])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherScheduling | None:
    """Instead of that for single files."""
    return TogetherScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # what is collected stays: looking through it takes most of a second each time
        gc.enable()
