"""Whose request it is, by the key that it shows and the file of now."""

from pathlib import Path

import pytest

from ai_pal.config import paths
from ai_pal.config.client_keys import ClientKey, create, fingerprint, revoke
from ai_pal.gateway.access.admission import Refusal
from ai_pal.gateway.access.callers import Caller, Callers, judged, presented

NOW = 1000.0
KEYS = {
    "ann": ClientKey(sha256=fingerprint("key of ann"), created=0.0),
    "old": ClientKey(sha256=fingerprint("key of old"), created=0.0, expires=NOW),
}


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({}, []),
        ({"x-api-key": " k "}, ["k"]),
        ({"authorization": "Bearer k"}, ["k"]),
        ({"authorization": "bearer  k"}, ["k"]),
        ({"authorization": "Basic k"}, []),
        ({"authorization": "k"}, []),
        ({"authorization": "Bearer "}, []),
        ({"x-api-key": "a", "authorization": "Bearer b"}, ["a", "b"]),
    ],
)
def test_where_a_key_is_shown(headers: dict[str, str], keys: list[str]) -> None:
    assert presented(headers) == keys


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({"x-api-key": "key of ann"}, "ann"),
        ({"authorization": "Bearer key of ann"}, "ann"),
        ({"x-api-key": "none", "authorization": "Bearer key of ann"}, "ann"),
        ({"x-api-key": "key of old", "authorization": "Bearer key of ann"}, "ann"),
        ({"x-api-key": "key of old"}, "has expired"),
        ({"x-api-key": "key of an"}, "is no key"),
        ({"x-api-key": "ann"}, "is no key"),
        ({"authorization": "Basic key of ann"}, "wants a key"),
        ({}, "wants a key"),
    ],
)
def test_who_asks(headers: dict[str, str], who: str) -> None:
    match judged(headers, KEYS, NOW):
        case Caller(name):
            assert name == who
        case Refusal(status, message):
            assert status == 401
            assert who in message


def test_an_expired_key_is_one_until_then() -> None:
    assert isinstance(judged({"x-api-key": "key of old"}, KEYS, NOW - 1), Caller)


RIGHTS = ClientKey(sha256="", created=0.0)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "AI_PAL_HOME": str(tmp_path)}


def status(callers: Callers, key: str = "any") -> int:
    """0: let in."""
    found = callers.of({"x-api-key": key})
    return found.status if isinstance(found, Refusal) else 0


def test_keys_count_from_the_next_request_on(environ: dict[str, str]) -> None:
    callers = Callers(environ=environ)
    assert status(callers) == 0, "while there is no key any will do"
    key = create("ann", RIGHTS, environ)
    assert (status(callers), status(callers, key)) == (401, 0)
    revoke("ann", environ)
    create("bob", RIGHTS, environ)
    assert status(callers, key) == 401
    paths.client_keys_file(environ).unlink()
    assert status(callers, key) == 0


def test_beyond_this_machine_no_key_lets_nobody_in(environ: dict[str, str]) -> None:
    callers = Callers(needed=True, environ=environ)
    assert status(callers) == 401
    key = create("ann", RIGHTS, environ)
    assert status(callers, key) == 0
    paths.client_keys_file(environ).unlink()
    assert status(callers, key) == 401


def test_a_damaged_file_lets_nobody_in(environ: dict[str, str]) -> None:
    callers = Callers(environ=environ)
    key = create("ann", RIGHTS, environ)
    paths.client_keys_file(environ).write_text("{")
    assert status(callers, key) == 503
    paths.client_keys_file(environ).unlink()
    assert status(callers, key) == 0
