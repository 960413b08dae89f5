"""`python -P -m tests.forked ADDRESS ...`: a test process of xdist, from the nursery that listens there. What
xdist says to a Python after that, goes to the fork."""

import os
import signal
import sys
from pathlib import Path

from tests.nursery import Nursery, connected

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the test process gets it too, and ends as it likes
    door = connected("\0" + sys.argv[1])
    assert door, "the process that imports all tests has died"
    streams = {number: number for number in range(3)}
    sys.exit(Nursery(door).fork([], Path.cwd(), streams, os.environ).wait())
