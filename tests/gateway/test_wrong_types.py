"""Bodies of which one field has a type that /openapi.json does not allow, for each field of each route, and
bodies that are no JSON: each is an error in the words of its protocol, none a fault of the server's."""

import http.client
import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

SAID = [{"role": "user", "content": "hi"}]
RIGHT: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": SAID},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/responses/input_tokens": {"input": "hi"},
    "/v1/embeddings": {"input": "hi"},
    "/v1/rerank": {"query": "a", "documents": ["b"]},
    "/v1/messages": {"max_tokens": 2, "messages": SAID},
    "/v1/messages/count_tokens": {"messages": SAID},
    "/api/chat": {"messages": SAID, "stream": False},
    "/api/generate": {"prompt": "hi", "stream": False},
    "/api/embed": {"input": "hi"},
    "/api/embeddings": {"prompt": "hi"},
    "/api/show": {},
    "/api/pull": {"stream": False},
    "/api/copy": {"source": "no-such", "destination": "other"},
    "/api/create": {"from": "no-such", "stream": False},
    "/api/delete": {},
}
"""What is right; of a model that nobody has, so that nothing is computed where a field has no meaning."""

VALUES: dict[str, Any] = {"object": {"x": [1]}, "array": [{}], "string": "x", "number": 0.5, "boolean": True}
"""One of each type; the first that is not allowed is sent."""

RAW = [
    *(b"", b"x", b"null", b"[]", b"1", b'"x"', b'{"a":', b"\xff\xfe", b'{"model":"\xff"}', b"[" * 100_000),
    *(b'{"a":' * 100_000, b'{"model":NaN}', b'{"model":Infinity}', b"\xef\xbb\xbf{}", b'{"model":"m"} x'),
]
"""Bodies that are no request."""

ODD = [
    *(b'{"model":"m","x":1e999}', b'{"model":"m","x":' + b"9" * 5000 + b"}"),
    b'{"model":"no-such","model":"no-such"}',
    b'{"model":"\\ud800"}',
]
"""Bodies that may be one."""

DEEP = 2
Schema = dict[str, Any]
Path = tuple[str | int, ...]


@pytest.fixture(scope="module")
def asking(gateway: str) -> Iterator[http.client.HTTPConnection]:
    where = urlsplit(gateway)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    yield connection
    connection.close()


@cache
def described(asking: http.client.HTTPConnection) -> Schema:
    asking.request("GET", "/openapi.json")
    told: Schema = json.loads(asking.getresponse().read())
    return told


def shapes(schema: Schema, schemas: Schema) -> list[Schema]:
    """What a value may look like."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    either = schema.get("anyOf") or schema.get("oneOf")
    return [shape for one in either for shape in shapes(one, schemas)] if either else [schema]


def types(shape: Schema) -> set[str]:
    if "enum" in shape or "const" in shape:
        return {"string"}
    said = shape.get("type", list(VALUES))
    found = set([said] if isinstance(said, str) else said)
    return found | {"number"} if "integer" in found else found


def fields(schema: Schema, schemas: Schema, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The place of each field, and a value of a type that it has not."""
    known = shapes(schema, schemas)
    allowed = {kind for shape in known for kind in types(shape)}
    wrong = [value for kind, value in VALUES.items() if kind not in allowed]
    if at and wrong:
        yield at, wrong[0]
    for shape in known if len(at) <= DEEP else []:
        for name, field in shape.get("properties", {}).items():
            yield from fields(field, schemas, (*at, name))
        if isinstance(shape.get("items"), dict):
            yield from fields(shape["items"], schemas, (*at, 0))


def with_field(body: Any, at: Path, value: Any) -> Any:
    """The same body with this value there; what leads to it is made."""
    if not at:
        return value
    if isinstance(at[0], int):
        inner = body[0] if isinstance(body, list) and body else None
        return [with_field(inner, at[1:], value)]
    known = body if isinstance(body, dict) else {}
    return {**known, at[0]: with_field(known.get(at[0]), at[1:], value)}


def fault(path: str, status: int, body: bytes) -> str:
    """What is wrong with this error; nothing if all is well."""
    if not 400 <= status < 500 and status != 501:
        return f"status {status}"
    error = json.loads(body).get("error")
    if path.startswith("/api"):
        return "" if error and isinstance(error, str) else "no error of Ollama's"
    if path.startswith("/v1/messages"):
        fine = json.loads(body)["type"] == "error" and set(error) == {"type", "message"}
        return "" if fine else "no error of Anthropic's"
    return "" if set(error) == {"message", "type", "param", "code"} else "no error of OpenAI's"


@pytest.mark.parametrize("path", RIGHT)
def test_each_field_of_another_type(asking: http.client.HTTPConnection, path: str) -> None:
    api = described(asking)
    [(method, operation)] = api["paths"][path].items()
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    right = {"model": "no-such", **RIGHT[path]}
    bodies = [
        (f"{at}", json.dumps(with_field(right, at, wrong)).encode())
        for at, wrong in dict(fields(schema, api["components"]["schemas"])).items()
    ]
    assert bodies
    found = []
    for what, body in [*bodies, *((f"{raw[:20]!r}", raw) for raw in RAW + ODD)]:
        asking.request(method.upper(), path, body, {"Content-Type": "application/json"})
        answer = asking.getresponse()
        said = answer.read()
        if (answer.status != 200 or body not in ODD) and (why := fault(path, answer.status, said)):
            found.append(f"{what}: {why}")
    assert not found


def test_no_route_is_forgotten(asking: http.client.HTTPConnection) -> None:
    paths = described(asking)["paths"]
    kinds = {
        path: [way.get("requestBody", {}).get("content", {}) for way in ways.values()]
        for path, ways in paths.items()
    }
    with_body = {path for path, found in kinds.items() if any("application/json" in one for one in found)}
    assert {path for path in with_body if path.startswith(("/v1", "/api"))} == set(RIGHT)
