"""An Ollama that nobody stands behind is waited for, as a model of this machine is."""

from collections.abc import Sequence

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.server.router.policy.snapshot import Snapshot
from ai_pal.server.router.timeouts import SILENCE
from tests.unit.server.router.desk import OLLAMA, OPENAI, POLICY, Desk

NO_ROOM = Failure(
    Code.INSUFFICIENT_MEMORY, "insufficient memory: phi-2 needs 5.6 GB, 3.1 GB is free", retryable=True
)


class Named(Desk):
    """`ollama:phi` is nobody else's."""

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        return (
            Snapshot(ollama=OLLAMA) if reference.startswith("ollama:") else super().snapshot(reference, lora)
        )


def patience(desk: Desk) -> tuple[float, bool]:
    return desk.away[-1].first_token, desk.away[-1].patient


def test_a_named_one_is_waited_for() -> None:
    desk = Named()
    desk.ask(model="ollama:phi")
    assert patience(desk) == (SILENCE, True)


def test_one_that_somebody_stands_behind_is_not() -> None:
    desk = Named(OPENAI)
    desk.ask()
    desk.here_fails(NO_ROOM)
    assert desk.away[-1].provider.name == "ollama"
    assert patience(desk) == (POLICY.first_token, False)
    desk.away_fails(Failure(Code.PROVIDER_ERROR, "no", retryable=True))
    assert desk.away[-1].provider.name == "openai"
    assert patience(desk) == (POLICY.first_token, False)


def test_the_last_one_is_also_where_it_was_not_named() -> None:
    desk = Named()
    desk.ask()
    desk.here_fails(NO_ROOM)
    assert patience(desk) == (SILENCE, True)


@pytest.mark.parametrize(
    ("lives", "words"),
    [(True, "ollama loads the model or reads the prompt, for 7 s by now"),
     (False, "ollama gives no sign of life, for 7 s by now")],
)  # fmt: skip
def test_the_waiting_is_told(lives: bool, words: str) -> None:
    desk = Named()
    desk.ask(model="ollama:phi")
    desk.clock.run(7.0)
    desk.hears(out.CompletionWaiting(desk.away[-1].key, lives))
    assert desk.last() == wire.Loading(1, "ollama:phi", 0.0, words)


def test_a_deadline_ends_it() -> None:
    desk = Named()
    desk.ask(model="ollama:phi", deadline=20.0)
    desk.hears(out.CompletionWaiting(desk.away[-1].key))
    desk.clock.run(20.1)
    last = desk.last()
    assert isinstance(last, wire.Failed)
    assert last.reasons[-1].code == Code.DEADLINE_EXCEEDED
    assert desk.stopped == [desk.away[-1].key]
