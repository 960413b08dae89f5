"""Paths as clients write them."""

import pytest

from ai_pal.gateway.wire.paths import meant


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/v1/models", "/v1/models"),
        ("/v1/models/", "/v1/models"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("//v1//chat///completions", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/v1/", "/v1/v1"),
        ("/v1/api/tags", "/api/tags"),
        ("/api/api/chat/", "/api/chat"),
        ("/api/v1/models", "/api/v1/models"),
        ("/v1/models/v1/api", "/v1/models/v1/api"),
        ("//v1/v1//models/smollm2/", "/v1/models/smollm2"),
        ("/v1/models//home/me/a.gguf", "/v1/models//home/me/a.gguf"),
        ("/v1/models//", "/v1/models"),
        ("/v10/v1/models", "/v10/v1/models"),
        ("", ""),
    ],
)
def test_a_slash_or_a_base_too_much_changes_nothing(written: str, path: str) -> None:
    assert meant(written) == path
