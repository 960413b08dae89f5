"""What of a fallback is no news: that an Ollama is not there which nobody has set up."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ai_pal.config import Settings
from ai_pal.config.tables import OllamaSettings
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.server.app.snapshots import MachineSnapshots
from ai_pal.server.router.policy.candidate import Candidate
from ai_pal.server.router.policy.line import part
from ai_pal.server.router.policy.snapshot import Snapshot
from tests.local_router import OnlyHere
from tests.simulation.clock import VirtualClock
from tests.unit.server.router.desk import ANN, HI, OPENAI, Desk

REFUSED = Failure(
    Code.PROVIDER_UNREACHABLE, "ollama could not be reached: connection refused", retryable=True
)
NO_ROOM = Failure(
    Code.INSUFFICIENT_MEMORY, "insufficient memory: phi-2 needs 5.6 GB, 3.1 GB is free", retryable=True
)


class FreshDesk(Desk):
    """A machine without models, so that Ollama is asked first; `expected`: its user has set it up."""

    absent, expected = True, False

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        found = super().snapshot(reference, lora)
        assert found.here is not None
        assert found.ollama is not None
        return Snapshot(
            here=msgspec.structs.replace(found.here, absent=self.absent, loaded=not self.absent),
            ollama=msgspec.structs.replace(found.ollama, expected=self.expected),
            clouds=found.clouds,
        )


def test_an_ollama_that_nobody_set_up_is_missed_in_silence() -> None:
    desk = FreshDesk()
    desk.ask()
    desk.away_fails(REFUSED)
    desk.here_answers("yes")
    desk.ask(id=2)  # meets an open breaker
    desk.here_answers("yes")
    assert desk.notices("fallback") == []
    assert [asked.provider.name for asked in desk.away] == ["ollama"]
    assert "attempt_failed" in desk.log
    assert [(entry.provider, entry.outcome) for entry in desk.ledger] == [
        ("ollama", Code.PROVIDER_UNREACHABLE)
    ]


def test_nor_is_it_told_together_with_what_is_news() -> None:
    desk = FreshDesk(OPENAI)
    desk.absent = False
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.away_fails(REFUSED)
    desk.away_says("yes")
    [line] = desk.notices("fallback")
    assert line == "phi-2: insufficient memory (needs 5.6 GB, 3.1 GB free) -> openai:gpt-3.5-turbo"


def test_failures_do_not_talk_about_an_ollama_that_was_never_seen() -> None:
    desk = FreshDesk()
    desk.absent = False
    for number in (1, 2):  # the second meets an open breaker
        desk.ask(id=number)
        desk.here_fails(NO_ROOM)
        if number == 1:
            desk.away_fails(REFUSED)
        last = desk.last()
        assert isinstance(last, wire.Failed)
        assert last.reasons == [NO_ROOM]
    assert len(desk.away) == 1


def test_route_says_that_none_was_ever_seen() -> None:
    desk = FreshDesk()
    desk.absent = False

    def row() -> wire.RouteCandidate:
        desk.send(ANN, desk.router.explain(wire.Route(9, HI)))
        routed = desk.last()
        assert isinstance(routed, wire.Routed)
        return next(row for row in routed.candidates if row.provider == "ollama")

    assert (row().state, row().why) == ("unseen", "asked in case one runs; none was seen so far")
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.away_fails(REFUSED)
    failure = row().failure
    assert failure is not None
    assert (failure.message, failure.hint) == ("none is set up, and none was ever seen", "")
    desk.expected = True
    failure = row().failure
    assert failure is not None
    assert failure.message.startswith("ollama could not be reached: connection refused")


NOT_PULLED = Failure(Code.MODEL_NOT_HERE, "ollama has not pulled phi", "ollama pull phi", retryable=True)


@pytest.mark.parametrize(("failure", "seen"), [(REFUSED, []), (NOT_PULLED, ["ollama"]), (None, ["ollama"])])
def test_one_that_answers_is_remembered(failure: Failure | None, seen: list[str]) -> None:
    desk = FreshDesk()
    desk.ask()
    if failure is None:
        desk.away_says("yes")
    else:
        desk.away_fails(failure)
    assert desk.seen == seen


def test_one_that_answered_once_is_missed_by_every_later_supervisor(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "AI_PAL_HOME": str(tmp_path / "new")}

    def snapshots() -> MachineSnapshots:
        return MachineSnapshots(Settings(), VirtualClock(), OnlyHere(), NoWorkers(), environ)  # type: ignore[arg-type]

    def expected(snapshots: MachineSnapshots) -> bool:
        server = snapshots.snapshot("").ollama
        assert server is not None
        return server.expected

    before = snapshots()
    assert not expected(before)
    before.met("ollama")
    assert expected(before)
    assert expected(snapshots())


class NoWorkers:
    def serving(self, model: str) -> None:
        return None


def test_an_ollama_that_somebody_set_up_is_missed_aloud() -> None:
    desk = FreshDesk()
    desk.expected = True
    desk.ask()
    desk.away_fails(REFUSED)
    desk.here_answers("yes")
    assert desk.notices("fallback") == ["ollama: connection refused -> phi-2"]


def test_who_names_an_address_or_a_model_has_set_it_up() -> None:
    def expected(ollama: OllamaSettings, model: str = "", **environ: str) -> bool:
        environ = {"HOME": "/nowhere", "AI_PAL_HOME": "/nowhere", **environ}
        settings, pool = Settings(ollama=ollama), NoWorkers()
        snapshots = MachineSnapshots(settings, VirtualClock(), OnlyHere(), pool, environ)  # type: ignore[arg-type]
        server = snapshots.snapshot(model).ollama
        assert server is not None
        return server.expected

    assert not expected(OllamaSettings())
    assert expected(OllamaSettings(), "ollama:phi")
    assert expected(OllamaSettings(), OLLAMA_HOST="127.0.0.1")
    assert expected(OllamaSettings(base_url="http://127.0.0.1:1"))
    assert expected(OllamaSettings(model="llama3.2"))
    assert expected(OllamaSettings(models={"phi-2": "phi:latest"}))


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (REFUSED, "ollama: connection refused"),
        (
            Failure(Code.CONNECT_TIMEOUT, "ollama took no connection within 5 s"),
            "ollama: took no connection within 5 s",
        ),
        (Failure(Code.OVER_BUDGET, "ollama:phi would cost $1"), "ollama:phi: would cost $1"),
        (Failure(Code.MODEL_NOT_HERE, "ollama has not pulled phi"), "ollama:phi: has not pulled phi"),
        (Failure(Code.PROVIDER_ERROR, "HTTP 500"), "ollama:phi: HTTP 500"),
    ],
)
def test_nobody_is_named_twice(failure: Failure, said: str) -> None:
    assert part(Candidate(tier=2, provider="ollama", model="phi"), failure) == said
