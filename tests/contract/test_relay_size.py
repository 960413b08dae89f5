"""How many workers one relay takes: more than the sockets that libzmq has unless it is told otherwise."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from ai_pal.cluster.relay import Relay

pytestmark = pytest.mark.anyio
WORKERS = 1100
DESCRIPTORS = 8 * WORKERS


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < DESCRIPTORS:
        pytest.skip(f"this system grants {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_each_of_many_workers_has_a_connection_of_its_own(
    tmp_path: Path, many_descriptors: None
) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as supervisor:
        supervisor.bind(f"ipc://{tmp_path}/s")
        relay = Relay("tcp://127.0.0.1:*", f"ipc://{tmp_path}/s", lambda *_: None, lambda _: None)
        with contextlib.closing(relay):
            for number in range(WORKERS):
                relay.admit(f"echo.{number}.1", f"{number:040}")
