"""A model of another machine as the router sees it: by the settings, and by what that machine has told."""

from typing import Any

import pytest

from ai_pal.config.machine_settings import MachineSettings
from ai_pal.errors import Code
from ai_pal.protocol.egress import LoadedThere, MachineLost, MachineState
from ai_pal.server.app.machines import there
from ai_pal.server.backends.machines import MachineStates

BOX = MachineSettings(ssh="me@box", host_key="ssh-ed25519 AAAA", identity="0" * 32, model="qwen3")
GB = 1_000_000_000


def told(*loaded: LoadedThere, free: int = 8 * GB) -> MachineState:
    return MachineState("box", "1.0", free, {"qwen3": 5 * GB, "big": 40 * GB}, list(loaded))


def test_without_a_report_it_may_be_asked() -> None:
    one = there("box", "qwen3", BOX, None)
    assert (one.state, one.failure, one.loaded) == ("unlinked", None, False)
    assert one.server.machine is not None
    assert one.server.machine.host_key == BOX.host_key


@pytest.mark.parametrize(
    ("loaded", "state"),
    [
        (LoadedThere("qwen3", ready=True, context=4096), "ready"),
        (LoadedThere("qwen3", ready=True, context=4096, waiting=2), "busy"),
        (LoadedThere("qwen3", context=4096), "loading"),
    ],
)
def test_what_is_loaded_there_is_known(loaded: LoadedThere, state: str) -> None:
    one = there("box", "qwen3", BOX, told(loaded))
    assert (one.state, one.window, one.loaded) == (state, 4096, loaded.ready)


def test_a_model_that_has_no_room_there_is_not_asked_for() -> None:
    assert there("box", "qwen3", BOX, told()).failure is None
    failure = there("box", "big", BOX, told()).failure
    assert failure is not None
    assert failure.code == Code.INSUFFICIENT_MEMORY
    assert "40.0 GB" in failure.message
    idle = LoadedThere("other", ready=True, memory=50 * GB, idle=True)
    assert there("box", "big", BOX, told(idle)).failure is None, "what idles there gives way"
    pinned = LoadedThere("other", ready=True, memory=50 * GB)
    assert there("box", "big", BOX, told(pinned)).failure is not None
    assert there("box", "never-seen", BOX, told()).failure is None, "it may know more names"


class Process:
    """Stands in for the process: who joins it."""

    def join(self, user: Any, *takes: type[Any]) -> None:
        self.takes = takes


def test_a_report_holds_until_the_link_or_the_process_ends() -> None:
    process: Any = Process()
    kept: list[tuple[str, list[str]]] = []
    states = MachineStates(process, lambda name, models: kept.append((name, list(models))))
    assert process.takes == (MachineState, MachineLost)
    states.egress_message(told())
    assert states.of("box") == told()
    states.egress_message(told(free=GB))
    assert kept == [("box", ["qwen3", "big"])], "once, while it is no news"
    states.egress_message(MachineLost("box"))
    assert states.of("box") is None
    states.egress_message(told())
    states.egress_gone(None)
    assert states.of("box") is None
