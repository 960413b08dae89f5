"""Whose certificates count."""

from pathlib import Path

import pytest

from ai_pal.network.trouble import Blocked
from ai_pal.network.trust import advice, trusting
from tests.servers.certificates import Authority


def test_a_file_is_all_that_is_trusted(tmp_path: Path) -> None:
    context = trusting({"SSL_CERT_FILE": str(Authority(tmp_path).root)})
    assert [found["subject"][0][0][1] for found in context.get_ca_certs()] == ["Root of the tests"]


def test_a_file_and_a_folder_count_both(tmp_path: Path) -> None:
    root = Authority(tmp_path).root
    assert trusting({"SSL_CERT_FILE": str(root), "SSL_CERT_DIR": str(tmp_path)}).get_ca_certs()
    assert trusting({"SSL_CERT_FILE": str(root), "SSL_CERT_DIR": "/not/there"}).get_ca_certs()


def test_empty_variables_are_none() -> None:
    assert len(trusting({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}).get_ca_certs()) == len(
        trusting({}).get_ca_certs()
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            "/not/there.pem",
            "SSL_CERT_FILE names /not/there.pem, which cannot be read: no such file or directory",
        ),
        ("/", "SSL_CERT_FILE names /, which cannot be read: is a directory"),
        ("/dev/null", "SSL_CERT_FILE names /dev/null, which holds no certificate"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(file: str, words: str) -> None:
    with pytest.raises(Blocked) as caught:
        trusting({"SSL_CERT_FILE": file})
    assert caught.value.trouble.reason == words
    assert caught.value.trouble.hint == "correct or unset SSL_CERT_FILE"


def test_the_advice_names_what_is_set(tmp_path: Path) -> None:
    assert advice({}) == (
        "trusted are the certificates of this system; SSL_CERT_FILE=/path/of/its/root.pem trusts another"
    )
    assert "of SSL_CERT_FILE (/x.pem)" in advice({"SSL_CERT_FILE": "/x.pem"})
    assert advice({"SSL_CERT_DIR": "/not/there"}) == "SSL_CERT_DIR names /not/there, which is no folder"
    assert "/not/there" in advice({"SSL_CERT_DIR": f"/not/there:{tmp_path}"})
    assert advice({"REQUESTS_CA_BUNDLE": "/x.pem"}) == (
        "REQUESTS_CA_BUNDLE does not count here: SSL_CERT_FILE=/x.pem"
    )
