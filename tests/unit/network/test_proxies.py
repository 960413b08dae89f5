"""Which proxy, and from which variable."""

import pytest

from ai_pal.network.proxies import Proxy, proxy_for
from ai_pal.network.trouble import Blocked

A, B = "http://a.test:3128", "http://b.test:3128"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://api.test", None),
        ({"HTTPS_PROXY": A}, "https://api.test", Proxy(A, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": A}, "http://api.test", None),
        ({"HTTP_PROXY": A}, "http://api.test", Proxy(A, "HTTP_PROXY")),
        ({"HTTPS_PROXY": A, "ALL_PROXY": B}, "https://api.test", Proxy(A, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": A, "ALL_PROXY": B}, "http://api.test", Proxy(B, "ALL_PROXY")),
        ({"https_proxy": A, "HTTPS_PROXY": B}, "https://api.test", Proxy(A, "https_proxy")),
        ({"https_proxy": "", "HTTPS_PROXY": B}, "https://api.test", None),
        ({"Https_Proxy": A}, "https://api.test", Proxy(A, "Https_Proxy")),
        ({"HTTPS_PROXY": "a.test:3128"}, "https://api.test", Proxy(A, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": " http://a.test:3128 "}, "https://api.test", Proxy(A, "HTTPS_PROXY")),
        ({"ALL_PROXY": "socks://a.test:1"}, "https://api.test", Proxy("socks5h://a.test:1", "ALL_PROXY")),
        ({"ALL_PROXY": "SOCKS5://a.test:1"}, "https://api.test", Proxy("socks5://a.test:1", "ALL_PROXY")),
        ({"ALL_PROXY": A}, "http://127.0.0.1:11434", None),
        ({"ALL_PROXY": A}, "https://localhost/v1?x=y", None),
        ({"ALL_PROXY": A}, "http://[::1]:8000", None),
        ({"ALL_PROXY": A, "NO_PROXY": "api.test"}, "https://api.test", None),
        (
            {"ALL_PROXY": A, "no_proxy": "x.test", "NO_PROXY": "api.test"},
            "https://api.test",
            Proxy(A, "ALL_PROXY"),
        ),
        ({"ALL_PROXY": "nonsense://", "NO_PROXY": "*"}, "https://api.test", None),
    ],
)
def test_the_proxy_of_a_url(environ: dict[str, str], url: str, proxy: Proxy | None) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks4://a.test:1", "ALL_PROXY names a proxy of a kind that is not known here (socks4)"),
        ("http://a.test:port", "ALL_PROXY holds no address of a proxy"),
        ("http://a.test:0", "ALL_PROXY holds no address of a proxy"),
        ("http://[::1", "ALL_PROXY holds no address of a proxy"),
        ("http://", "ALL_PROXY holds no address of a proxy"),
    ],
)
def test_a_variable_that_names_no_proxy(value: str, words: str) -> None:
    with pytest.raises(Blocked) as caught:
        proxy_for("https://api.test", {"ALL_PROXY": value})
    assert caught.value.trouble.reason == words
    assert "ALL_PROXY=http://" in caught.value.trouble.hint


def test_a_password_is_not_for_people() -> None:
    proxy = proxy_for("https://api.test", {"HTTPS_PROXY": "http://somebody:sec@ret@a.test:3128"})
    assert str(proxy) == "the proxy a.test:3128 (HTTPS_PROXY)"
    with pytest.raises(Blocked) as caught:
        proxy_for("https://api.test", {"HTTPS_PROXY": "http://somebody:secret@:x"})
    assert "secret" not in str(caught.value)
