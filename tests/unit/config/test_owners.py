"""Whose each setting is, and what of a client's environment says nothing of a supervisor."""

import pytest
from msgspec.structs import fields

from ai_pal.config import Settings
from ai_pal.config.owners import CLIENTS, LIVE, SUPERVISORS, TRAVEL, supervisor_environment, travels


def test_every_setting_is_somebodys() -> None:
    assert {info.name for info in fields(Settings)} == TRAVEL | CLIENTS | SUPERVISORS
    assert len(TRAVEL) + len(CLIENTS) + len(SUPERVISORS) == len(fields(Settings))


def test_what_travels_and_what_is_the_clients_says_nothing_of_a_supervisor() -> None:
    stricter = {"AI_PAL_LOCAL_ONLY": "1", "AI_PAL_MINE": "1", "AI_PAL_DEADLINE": "20s"}
    mine = {f"AI_PAL_{name.upper()}": "x" for name in TRAVEL | CLIENTS} | stricter
    its = {"AI_PAL_THREADS": "2", "AI_PAL_OLLAMA_BASE_URL": "http://x", "AI_PAL_HOME": "/h", "PATH": "/bin"}
    assert supervisor_environment(mine | its) == its


@pytest.mark.parametrize(
    ("name", "text", "goes"),
    [
        ("local_only", "yes", True),
        ("local_only", "no", False),
        ("mine", "1", True),
        ("mine", "0", False),
        ("deadline", "2m", True),
        ("deadline", "never", False),
        ("deadline", "nonsense", False),
        ("keep_alive", "never", True),
        ("keep_alive", "", False),
        ("model", "echo", True),
    ],
)
def test_what_no_request_can_say_belongs_to_the_supervisor(name: str, text: str, goes: bool) -> None:
    environ = {f"AI_PAL_{name.upper()}": text}
    assert travels(name, environ) is goes
    assert (supervisor_environment(environ) == environ) is (not goes and bool(text))


def test_what_is_taken_while_it_runs_is_no_clients_own() -> None:
    assert LIVE <= TRAVEL | SUPERVISORS
