"""A calibration in the background, on real processes: it is seen, gives way, and keeps nothing loaded."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from ai_pal.client import Client
from ai_pal.store.doubts import ModelDoubts
from tests.process.answers import ask, text_of
from tests.process.eventually import eventually
from tests.process.supervised import STOP_SECONDS, Supervised, status_of

Supervise = Callable[..., Supervised]
SLOW = "echo?pace=20&slots=1"
"""A question takes minutes, and there is room for one."""
STEADY = "echo?pace=0.05"
"""A question takes a second, all of them minutes."""


def calibrates(client: Client, model: str) -> bool:
    status = status_of(client, model)
    return status is not None and status.calibrating is not None


def known(home: Path) -> dict[str, ModelDoubts]:
    file = home / "doubts.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, ModelDoubts]) if file.exists() else {}


def test_a_real_request_does_not_wait_for_a_question(supervise: Supervise) -> None:
    with supervise(router_calibrate_after=0).client() as client:
        list(client.load(SLOW, -1))
        eventually(lambda: calibrates(client, SLOW))
        assert text_of(ask(client, SLOW, tokens=1, pace=0.001)).strip() == "one"
        eventually(lambda: calibrates(client, SLOW))


def test_a_loaded_model_is_calibrated(supervise: Supervise, ai_pal_home: Path) -> None:
    supervisor = supervise(router_calibrate_after=0)
    with supervisor.client() as client:
        list(client.load("echo", -1))
        (line,) = eventually(lambda: supervisor.logged("calibrated"))
    assert (line["model"], line["area"]) == ("echo", 0.5)
    (found,) = known(ai_pal_home).values()
    assert found.calibration is not None
    assert not found.can_doubt


def test_no_model_stays_for_it_and_what_was_answered_is_kept(supervise: Supervise, ai_pal_home: Path) -> None:
    supervisor = supervise(router_calibrate_after=0)
    with supervisor.client() as client:
        list(client.load(STEADY, 4))
        eventually(lambda: calibrates(client, STEADY))
        eventually(lambda: status_of(client, STEADY) is None)
    supervisor.terminate(STOP_SECONDS)
    (found,) = known(ai_pal_home).values()
    assert found.calibration is None
    assert found.unfinished is not None
    assert found.unfinished.answers


def test_where_it_is_off_nothing_is_asked(supervise: Supervise, ai_pal_home: Path) -> None:
    with supervise(router_calibrate_after=0, router_calibrate="off").client() as client:
        list(client.load("echo", 1))
        eventually(lambda: status_of(client) is None)
    assert not known(ai_pal_home)
