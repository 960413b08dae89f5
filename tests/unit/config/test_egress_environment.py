"""Which variables the egress process gets."""

from ai_pal.config.egress_environment import digest_of, egress_environment
from ai_pal.launchers.local import ENVIRONMENT

KEYS = {
    "OPENAI_API_KEY": "a",
    "ANTHROPIC_API_KEY": "b",
    "CO_API_KEY": "c",
    "COHERE_API_KEY": "d",
    "AI_PAL_KEY_GROQ": "e",
}


def test_keys_go_to_the_egress_process() -> None:
    given = egress_environment(KEYS | {"AI_PAL_HOME": "/h", "OPENAI_BASE_URL": "http://x", "PWD": "/"})
    assert KEYS.items() <= given.items()
    assert given["AI_PAL_HOME"] == "/h"
    assert not {"OPENAI_BASE_URL", "PWD"} & given.keys()


def test_keys_go_to_no_worker() -> None:
    assert not KEYS.keys() & set(ENVIRONMENT)


def test_the_digest_changes_with_keys_and_not_with_places() -> None:
    assert digest_of({}) == digest_of({"DBUS_SESSION_BUS_ADDRESS": "unix:x", "AI_PAL_HOME": "/h"}) == ""
    assert digest_of({"OPENAI_API_KEY": "a"}) != digest_of({"OPENAI_API_KEY": "b"})
    assert "a" * 30 not in digest_of({"OPENAI_API_KEY": "a" * 30})
