"""What of a fallback is no news: that an Ollama is not there which nobody has set up."""

import msgspec
import pytest

from ai_pal.app.survey import MachineSurvey
from ai_pal.config import Settings
from ai_pal.config.tables import OllamaSettings
from ai_pal.errors import Code, Failure
from ai_pal.routing.candidate import Candidate
from ai_pal.routing.facts import Facts
from ai_pal.routing.line import part
from ai_pal.store.ledger import Spent
from tests.simulation.clock import VirtualClock
from tests.unit.router.desk import OPENAI, Desk

REFUSED = Failure(
    Code.PROVIDER_UNREACHABLE, "ollama could not be reached: connection refused", retryable=True
)
NO_ROOM = Failure(
    Code.INSUFFICIENT_MEMORY, "insufficient memory: phi-2 needs 5.6 GB, 3.1 GB is free", retryable=True
)


class FreshDesk(Desk):
    """A machine without models, so that Ollama is asked first; `expected`: its user has set it up."""

    absent, expected = True, False

    def facts(self, reference: str) -> Facts:
        found = super().facts(reference)
        assert found.here is not None
        assert found.ollama is not None
        return Facts(
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
    assert [(entry.provider, entry.outcome) for entry in desk.books] == [
        ("ollama", Code.PROVIDER_UNREACHABLE)
    ]


def test_it_is_told_together_with_what_is_news() -> None:
    desk = FreshDesk(OPENAI)
    desk.absent = False
    desk.ask()
    desk.here_fails(NO_ROOM)
    desk.away_fails(REFUSED)
    desk.away_says("yes")
    assert "-> ollama: connection refused ->" in desk.notices("fallback")[0]


def test_an_ollama_that_somebody_set_up_is_missed_aloud() -> None:
    desk = FreshDesk()
    desk.expected = True
    desk.ask()
    desk.away_fails(REFUSED)
    desk.here_answers("yes")
    assert desk.notices("fallback") == ["ollama: connection refused -> phi-2"]


def test_who_names_an_address_or_a_model_has_set_it_up() -> None:
    def expected(ollama: OllamaSettings, **environ: str) -> bool:
        survey = MachineSurvey(Settings(ollama=ollama), VirtualClock(), Spent, environ)
        server = survey.facts("ollama:phi").ollama
        assert server is not None
        return server.expected

    assert not expected(OllamaSettings())
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
