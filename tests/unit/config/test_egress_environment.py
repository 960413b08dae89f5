"""Which variables the egress process gets."""

from pathlib import Path

import pytest

from ai_pal.config.egress_environment import compared, egress_environment
from ai_pal.server.nodes.local import ENVIRONMENT

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


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ],
)
def test_what_counts_on_the_way_out_goes_with_it_as_it_is_spelled(name: str) -> None:
    assert egress_environment({name: "x"})[name] == "x"


def test_certificates_are_found_from_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = egress_environment({"SSL_CERT_FILE": "own.pem", "SSL_CERT_DIR": "a:/b", "CURL_CA_BUNDLE": ""})
    assert given["SSL_CERT_FILE"] == str(tmp_path / "own.pem")
    assert given["SSL_CERT_DIR"] == f"{tmp_path}/a:/b"
    assert given["CURL_CA_BUNDLE"] == ""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert egress_environment({"SSL_CERT_FILE": "own.pem"})["SSL_CERT_FILE"] == "own.pem"


def test_keys_go_to_no_worker() -> None:
    assert not KEYS.keys() & set(ENVIRONMENT)


def test_what_is_compared_is_keys_and_proxies_but_no_places_and_nothing_of_pip() -> None:
    said = {"HTTPS_PROXY": "http://p", "no_proxy": "x", "HF_TOKEN": "t", "OPENAI_API_KEY": "k"}
    others = {"DBUS_SESSION_BUS_ADDRESS": "u", "AI_PAL_HOME": "/h", "PIP_INDEX_URL": "i", "ALL_PROXY": ""}
    assert compared(said | others) == said
