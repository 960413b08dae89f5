"""What `ai-pal doctor` says of other machines of the user's."""

import threading

import pytest

from ai_pal.cli.setup.doctor import machines
from ai_pal.cli.setup.doctor.machines import check_machines, judged
from ai_pal.cli.setup.doctor.providers import at_gateway
from ai_pal.config import Settings
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.errors import Code, Failure
from ai_pal.machines.seen import Seen
from ai_pal.protocol.client import ProviderStatus

BOX = MachineSettings(ssh="me@box")


def test_one_that_is_there_is_one_line() -> None:
    found = judged(Seen("box", "1.0", delay=0.0011, free=8_000_000_000, models=["echo"]))
    assert (found.state, found.text) == ("ok", "AI-PAL 1.0, 1.1 ms away, 8.0 GB free, 1 model")
    empty = judged(Seen("box", "1.0"))
    assert (empty.state, empty.mend) == ("warn", "fetch one: ai-pal pull MODEL --on box")


@pytest.mark.parametrize(
    ("code", "state"), [(Code.PROVIDER_UNREACHABLE, "warn"), (Code.MACHINE_CHANGED, "fail")]
)
def test_what_does_not_pass_by_itself_has_failed(code: Code, state: str) -> None:
    found = judged(Seen("box", failure=Failure(code, "so it is", "do this")))
    assert (found.state, found.text, found.mend) == (state, "so it is", "do this")


def test_where_nothing_may_leave_none_is_asked() -> None:
    (found,) = check_machines(Settings(machines={"box": BOX}, local_only=True))
    assert (found.state, found.text) == ("ok", "not asked: nothing may leave this machine")
    refused = ProviderStatus("box", "openai", [], failure=Failure(Code.LOCAL_ONLY, "it is local-only"))
    assert at_gateway(refused).state == "ok"
    assert at_gateway(ProviderStatus("box", "openai", [], ["echo"])).text == "its gateway answers, 1 model"


def test_one_that_gives_no_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def see(name: str, machine: object) -> Seen:
        if name == "silent":
            never.wait(60)
        return Seen(name, "1.0", models=["echo"])

    monkeypatch.setattr("ai_pal.machines.seen.see", see)
    monkeypatch.setattr(machines, "WITHIN", 0.05)
    try:
        found = {one.check: one for one in check_machines(Settings(machines={"silent": BOX, "box": BOX}))}
    finally:
        never.set()
    assert "no answer within" in found["silent"].text
