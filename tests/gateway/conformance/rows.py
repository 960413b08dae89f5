"""Wrong requests as rows of a table: what is wrong, and the status that it has."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2

Body = dict[str, Any]


class Row(NamedTuple):
    """A request that differs from a right one in these fields (`...`: without the field). `param` is the
    place that the error names, where its protocol names one."""

    what: str
    body: Body
    status: int = 400
    param: str | None = None


RAW: list[tuple[str, bytes]] = [
    ("cut off", b'{"model": "echo"'),
    ("empty", b""),
    ("a list", b"[]"),
    ("a text", b'"x"'),
    ("null", b"null"),
    ("no UTF-8", b'{"model": "\xff"}'),
    ("no number", b'{"model": "echo", "temperature": NaN}'),
    ("nested too deeply", b'{"metadata": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001),
]
"""Bodies that are no JSON object."""


def rows(*rows: Row) -> Any:
    """As parameters of a test, named by what is wrong."""
    return [(row,) for row in rows]


def named(row: Row) -> str:
    """The name of its test."""
    return row.what


def changed(right: Body, change: Body) -> Body:
    """The right body with this wrong."""
    return {name: value for name, value in {**right, **change}.items() if value is not ...}


def refused(
    http: httpx2.Client, path: str, right: Body, row: Row, envelope: Callable[[httpx2.Response], str | None]
) -> None:
    """This is refused, with this status, in this envelope."""
    answer = http.post(path, content=json.dumps(changed(right, row.body)))
    assert answer.status_code == row.status, answer.text
    param = envelope(answer)
    if row.param is not None:
        assert param == row.param
