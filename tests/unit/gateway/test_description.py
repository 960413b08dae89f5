"""What `/openapi.json` says of the routes: a valid description, and all of them."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from ai_pal.gateway.description import described
from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.routes import routes_with

ALL = routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere")))
TABLE = [route for route in ALL if not route.never and not route.of_page]


def description() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        json.dumps(described(routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere")))))
    )
    return told


def test_each_route_is_described() -> None:
    told = description()
    there = {(method, path) for path, methods in told["paths"].items() for method in methods}
    assert {(route.method.lower(), route.path.replace(":path", "")) for route in TABLE} == there
    for route in TABLE:
        operation = told["paths"][route.path.replace(":path", "")][route.method.lower()]
        assert "default" in operation["responses"]
        assert ("requestBody" in operation) == (route.asks is not None or route.takes is not None)


def test_what_it_refers_to_is_there() -> None:
    told = description()
    for name, schema in told["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name
    refs = {part.partition('"')[0] for part in json.dumps(told).split('"$ref": "#/components/')[1:]}
    for ref in refs:
        kind, _, name = ref.partition("/")
        assert name in told["components"][kind]


def test_names_of_operations_are_different() -> None:
    told = description()
    names = [operation["operationId"] for methods in told["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_a_right_body_is_right_and_a_wrong_one_wrong() -> None:
    told = description()

    def errors(path: str, body: object) -> list[Any]:
        schema = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": told["components"]}
        return list(jsonschema.Draft202012Validator(whole).iter_errors(body))

    messages = [{"role": "user", "content": "x"}]
    assert not errors("/v1/chat/completions", {"model": "echo", "messages": messages})
    assert errors("/v1/chat/completions", {"model": "echo", "messages": messages, "temperature": 3})
    assert errors("/v1/chat/completions", {"model": "echo", "messages": messages, "bogus": 1})
    assert errors("/v1/messages", {"model": "echo", "messages": messages})
