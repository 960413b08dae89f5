"""What NO_PROXY names."""

from urllib.parse import urlsplit

import pytest

from ai_pal.network.bypass import is_bypassed, is_this_machine


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        ("*", "https://api.test"),
        ("api.test", "https://api.test/v1"),
        ("api.test", "https://deep.api.test"),
        ("API.Test", "https://api.TEST"),
        ("api.test.", "https://api.test"),
        (".api.test", "https://deep.api.test"),
        ("*.api.test", "https://deep.api.test"),
        ("other.test, api.test", "https://api.test"),
        ("other.test api.test", "https://api.test"),
        ("api.test:443", "https://api.test"),
        ("api.test:8443", "https://api.test:8443"),
        ("https://api.test", "https://api.test"),
        ("all://api.test", "http://api.test"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
        ("10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("10.0.0.0/8", "http://10.1.2.3"),
        ("10.1.2.3/8", "http://10.200.0.1"),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]"),
        ("fe80::1", "http://[fe80::1]:8000"),
        ("[fe80::1]", "http://[fe80::1]"),
        ("[fe80::1]:8000", "http://[fe80::1]:8000"),
        ("fe80::/10", "http://[fe80::abcd]"),
        ("[fe80::]/10", "http://[fe80::abcd]"),
        ("fe80::/10", "http://[fe80::abcd%25eth0]"),
        ("2001:db8::/32", "http://[2001:DB8:0::9]"),
    ],
)
def test_a_host_that_is_named(rules: str, url: str) -> None:
    assert is_bypassed(urlsplit(url), rules)


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        ("", "https://api.test"),
        (" , ,", "https://api.test"),
        ("pi.test", "https://api.test"),
        (".api.test", "https://api.test"),
        ("api.test:80", "https://api.test"),
        ("http://api.test", "https://api.test"),
        ("10.0.0.0/8", "http://11.0.0.1"),
        ("10.0.0.0/8", "http://[fe80::1]"),
        ("fe80::/10", "http://10.0.0.1"),
        ("[::1]", "http://[::2]"),
        ("::1/128", "https://api.test"),
        ("fe80::/10", "https://api.test"),
        ("10.0.0.0/99,[::1,]::/,://,/,:,%,[", "https://api.test"),
        ("10.0.0.0/99,[::1,]::/,://,/,:,%,[", "http://10.0.0.1"),
    ],
)
def test_a_host_that_is_not_named(rules: str, url: str) -> None:
    assert not is_bypassed(urlsplit(url), rules)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost", "a.localhost", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"],
)
def test_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "localhost.test", "10.0.0.1", "notlocalhost", "128.0.0.1", "fe80::1"])
def test_another_machine(host: str) -> None:
    assert not is_this_machine(host)
