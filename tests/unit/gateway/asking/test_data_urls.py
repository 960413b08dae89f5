"""Bytes that come within a request."""

import pytest

from ai_pal.gateway.asking.data_urls import data_of, unpacked
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
