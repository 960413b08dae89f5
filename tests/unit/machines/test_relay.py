"""The far end of a link, where it cannot even say who it is."""

import os

from ai_pal.config import paths
from ai_pal.errors import Code
from ai_pal.machines.frames import Frames, Kind, failure_in
from ai_pal.machines.relay import REFUSED, relay


def test_a_machine_that_cannot_keep_its_identity_says_so_at_once() -> None:
    paths.identity_file().mkdir(parents=True)
    near, sink = os.pipe()
    source, far = os.pipe()
    try:
        assert relay(source, sink) == REFUSED
        (said,) = Frames().feed(os.read(near, 1 << 16))
    finally:
        for descriptor in (near, sink, source, far):
            os.close(descriptor)
    assert said[0] is Kind.FAILED
    assert failure_in(said[1]).code == Code.FILE_UNREADABLE
