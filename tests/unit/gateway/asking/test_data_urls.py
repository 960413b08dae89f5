"""Bytes that come within a request."""

from base64 import urlsafe_b64encode

import pytest

from ai_pal.gateway.asking.data_urls import MOST_ESCAPES, STEP, data_of, unpacked
from ai_pal.gateway.wire.bodies import BodyError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("data:image/png;base64,AAEC", ("image/png", b"\0\1\2")),
        ("data:image/png;base64,AAE", ("image/png", b"\0\1")),
        ("data:image/PNG;charset=x;base64,AA-_", ("image/png", b"\0\x0f\xbf")),
        ("data:,a%20b", ("text/plain", b"a b")),
    ],
)
def test_a_data_url_is_read(url: str, found: tuple[str, bytes]) -> None:
    assert data_of(url, "x") == found


@pytest.mark.parametrize(
    "url", ["http://a/b", "https://a/b", "file:///etc/passwd", "data:image/png;base64", "abc"]
)
def test_other_urls_are_refused_with_their_place(url: str) -> None:
    with pytest.raises(BodyError) as caught:
        data_of(url, "messages[0]")
    assert caught.value.param == "messages[0]"


def test_what_is_no_base64_is_refused() -> None:
    with pytest.raises(BodyError):
        unpacked("ä?!", "x")


@pytest.mark.parametrize("data", ["QQ==QQ==", "QQ=Q", "Q", "=", "QUJD" * STEP + "!", "QQ==" + "QUJD" * STEP])
def test_what_is_no_base64_is_none_wherever_it_breaks(data: str) -> None:
    with pytest.raises(BodyError):
        unpacked(data, "x")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 3 * STEP // 4, 3 * STEP // 4 + 1, 2 * STEP])
def test_any_size_is_read_in_steps(size: int) -> None:
    data = (b"\xfb\xff\xfe" * (size // 3 + 1))[:size]
    said = urlsafe_b64encode(data).decode()
    assert unpacked(said, "x") == unpacked(f" {said.rstrip('=')}\n", "x") == data


def test_a_url_that_is_escaped_all_over_is_refused() -> None:
    assert data_of("data:," + "%41" * 1000, "x") == ("text/plain", b"A" * 1000)
    with pytest.raises(BodyError, match="escaped"):
        data_of("data:," + "%41" * (MOST_ESCAPES + 1), "x")
