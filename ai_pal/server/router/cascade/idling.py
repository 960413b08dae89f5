"""When a model may be calibrated though nobody has asked for it. Pure."""

from typing import Literal

from ai_pal.server.router.cascade.measurement import FEWEST, Measurement, version
from ai_pal.store.doubts import ModelDoubts

MOST_SECONDS = 1800.0
"""Of computing for one model file, all runs together."""

LOOK_AGAIN = 60.0
"""Seconds between two looks at the battery."""

Step = Literal["ask", "finish", "leave"]


def wait(idle: float, after: float, *, on_battery: bool) -> float:
    """Seconds until a question may be asked, 0 for now: nobody has asked anything for `idle` seconds, and the
    machine is known to run on its battery."""
    if idle < after:
        return after - idle
    return LOOK_AGAIN if on_battery else 0.0


def next_step(known: ModelDoubts | None) -> Step:
    """What is to be done for a model file of which so much is known: nothing where it is calibrated, or where
    all its time has brought too few answers (`ai-pal calibrate` goes on with those)."""
    if known is not None and known.calibration is not None:
        return "leave"
    unfinished = (known or ModelDoubts()).begun(version())
    measurement = Measurement(unfinished)
    if measurement.next() is None or measurement.is_clear:
        return "finish"
    if unfinished.seconds < MOST_SECONDS:
        return "ask"
    return "finish" if measurement.done >= FEWEST else "leave"
