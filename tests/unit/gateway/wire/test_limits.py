"""How deep a body may be."""

import pytest

from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.limits import MOST_DEPTH, MOST_OBJECTS, check_depth


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[" * MOST_DEPTH + b"]" * MOST_DEPTH,
        b"[" + b"[]," * 5000 + b"[]]",
        b'{"a": "' + b"[{" * 5000 + b'"}',
        b'{"a": "' + b'\\"[' * 5000 + b'"}',
        b'{"' + b"[" * 5000,
    ],
)
def test_what_is_not_deep(body: bytes) -> None:
    check_depth(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (MOST_DEPTH + 1),
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'["\\\\",' * 5000,
        b"]" * 50 + b"[" * 500,
    ],
)
def test_what_is_too_deep(body: bytes) -> None:
    with pytest.raises(BodyError, match="nested"):
        check_depth(body)


def test_what_has_too_many_parts_is_not_read_at_all() -> None:
    check_depth(b"[" + b"{}," * 1000 + b"{}]")
    with pytest.raises(BodyError, match="brackets"):
        check_depth(b"[" + b"{}," * MOST_OBJECTS + b"{}]")
