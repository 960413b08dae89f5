"""Where a browser finds the page of a server."""

import pytest

from ai_pal.cli.service.opening import page_of


@pytest.mark.parametrize(
    ("where", "page"),
    [
        ("http://127.0.0.1:11435", "http://127.0.0.1:11435/"),
        ("http://0.0.0.0:80", "http://127.0.0.1:80/"),
        ("https://[::]:443", "https://[::1]:443/"),
    ],
)
def test_it_is_where_the_server_listens(where: str, page: str) -> None:
    assert page_of(where) == page
