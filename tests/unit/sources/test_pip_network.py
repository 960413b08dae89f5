"""The environment that pip gets."""

import pytest

from ai_pal.sources.pip_network import environment

HERE = "localhost,127.0.0.1,::1"


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({}, {"NO_PROXY": HERE}),
        ({"NO_PROXY": "a.test, b.test"}, {"NO_PROXY": f"a.test,b.test,{HERE}"}),
        ({"no_proxy": "a.test", "NO_PROXY": "b.test"}, {"no_proxy": f"a.test,{HERE}", "NO_PROXY": "b.test"}),
        ({"NO_PROXY": "a.test,*"}, {"NO_PROXY": "*"}),
        ({"ALL_PROXY": "socks://p:1"}, {"ALL_PROXY": "socks5h://p:1", "NO_PROXY": HERE}),
        ({"all_proxy": "socks5://p:1"}, {"all_proxy": "socks5://p:1", "NO_PROXY": HERE}),
        ({"SSL_CERT_FILE": "/a"}, {"REQUESTS_CA_BUNDLE": "/a", "NO_PROXY": HERE}),
        ({"SSL_CERT_FILE": "/a", "CURL_CA_BUNDLE": "/b"}, {"CURL_CA_BUNDLE": "/b", "NO_PROXY": HERE}),
    ],
)
def test_what_counts_for_all_counts_for_pip(given: dict[str, str], changed: dict[str, str]) -> None:
    assert environment(given | {"PATH": "/bin"}) == given | changed | {"PATH": "/bin"}
