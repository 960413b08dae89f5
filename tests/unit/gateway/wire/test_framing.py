"""What a request says of its own shape."""

import pytest

from ai_pal.gateway.wire.framing import Headers, UnfitError, fit, origin_form, without_upgrade

HOST = (b"host", b"localhost")


def test_what_may_come_twice_is_a_list() -> None:
    said = [HOST, (b"via", b"1.1 a"), (b"x", b"1"), (b"via", b"1.1 b")]
    assert fit("1.1", b"GET", said) == [HOST, (b"via", b"1.1 a, 1.1 b"), (b"x", b"1")]


@pytest.mark.parametrize(
    ("version", "method", "more", "status"),
    [
        ("2.0", b"GET", [], 505),
        ("1.1", b"CONNECT", [], 501),
        ("1.1", b"GET", [HOST], 400),
        ("1.1", b"GET", [(b"x-ai-pal-goal", b"a"), (b"x-ai-pal-goal", b"b")], 400),
        ("1.1", b"POST", [(b"transfer-encoding", b"gzip")], 501),
        ("1.0", b"POST", [(b"transfer-encoding", b"chunked")], 400),
    ],
)
def test_what_is_not_read(version: str, method: bytes, more: Headers, status: int) -> None:
    with pytest.raises(UnfitError) as caught:
        fit(version, method, [HOST, *more])
    assert caught.value.status == status


def test_only_the_newer_protocol_has_to_name_its_host() -> None:
    assert fit("1.0", b"GET", []) == []
    with pytest.raises(UnfitError, match="Host"):
        fit("1.1", b"GET", [])


@pytest.mark.parametrize(
    ("url", "path", "host"),
    [
        (b"/a?b", b"/a?b", b"localhost"),
        (b"*", b"*", b"localhost"),
        (b"http://x.example/a?b", b"/a?b", b"x.example"),
        (b"http://x.example:80", b"/", b"x.example:80"),
        (b"https://[::1]:8/a", b"/a", b"[::1]:8"),
    ],
)
def test_the_host_in_a_target_counts(url: bytes, path: bytes, host: bytes) -> None:
    assert origin_form(url, [HOST]) == (path, [(b"host", host)])


@pytest.mark.parametrize("url", [b"", b"a", b"ftp://x/a", b"http:///a", b"http://a:b@x/"])
def test_a_target_that_is_none(url: bytes) -> None:
    with pytest.raises(UnfitError):
        origin_form(url, [HOST])


def test_a_wish_for_another_protocol_is_left_out() -> None:
    said = [HOST, (b"connection", b"close, Upgrade"), (b"upgrade", b"h2c"), (b"x", b"upgrade")]
    assert without_upgrade("1.1", b"POST", b"/a", said) == (
        b"POST /a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: upgrade\r\n\r\n"
    )
    only = [(b"connection", b"upgrade, http2-settings"), (b"http2-settings", b"AA")]
    assert without_upgrade("1.1", b"GET", b"/", only) == b"GET / HTTP/1.1\r\n\r\n"
