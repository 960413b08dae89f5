"""GET /openapi.json: what the table of routes and the shapes of its bodies say of themselves. Pure."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from ai_pal import __version__
from ai_pal.gateway.wire.wish_headers import HEADERS
from ai_pal.protocol.client import Escalate, Goal

if TYPE_CHECKING:
    from ai_pal.gateway.route import Route

_SAID: dict[str, dict[str, Any]] = {
    "x-ai-pal-local-only": {"enum": ["1", "0", "true", "false", "yes", "no", "on", "off"]},
    "x-ai-pal-mine": {"enum": ["1", "0", "true", "false", "yes", "no", "on", "off"]},
    "x-ai-pal-max-cost": {"type": "number", "minimum": 0},
    "x-ai-pal-deadline": {"type": "string", "examples": ["20s"]},
    "x-ai-pal-goal": {"enum": [goal for goal in get_args(Goal) if goal]},
    "x-ai-pal-escalate": {"enum": [escalate for escalate in get_args(Escalate) if escalate]},
    "x-ai-pal-session": {"type": "string", "pattern": "\\S"},
}
"""What the headers take that have a shape."""

REFS = "#/components/schemas/{name}"

_OPENAI = {
    "message": {"type": "string"},
    "type": {"type": "string"},
    "param": {"type": ["string", "null"]},
    "code": {"type": ["string", "null"]},
}
_ANTHROPIC = {"type": {"type": "string"}, "message": {"type": "string"}}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


ERRORS: dict[str, dict[str, Any]] = {
    "openai": _object({"error": _object(_OPENAI)}),
    "anthropic": _object(
        {"type": {"const": "error"}, "error": _object(_ANTHROPIC), "request_id": {"type": "string"}}
    ),
    "ollama": _object({"error": {"type": "string"}}),
    "server": _object({"error": {"type": "string"}}),
}
"""The envelope of an error, by whose protocol it is."""

STREAMS = {
    "openai": "text/event-stream",
    "anthropic": "text/event-stream",
    "ollama": "application/x-ndjson",
}


def described(routes: Sequence["Route"]) -> dict[str, Any]:
    """The whole of it, as OpenAPI 3.1; of what is never done and of our own page nothing is told."""
    routes = [route for route in routes if not route.never and not route.of_page]
    bodies = [route.body for route in routes if route.body is not None]
    schemas, components = msgspec.json.schema_components(bodies, ref_template=REFS)
    refs = dict(zip(bodies, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = re.sub(r":\w+}", "}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "AI-PAL", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components | {f"error_{door}": shape for door, shape in ERRORS.items()},
            "parameters": {name: _header(name) for name in HEADERS},
        },
    }


def _operation(route: "Route", path: str, refs: dict[Any, Any]) -> dict[str, Any]:
    placed = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    asked = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query]
    wished = [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS]
    told: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', path)}",
        "tags": [route.door],
        "parameters": [*placed, *asked, *wished],
        "responses": {
            "200": {"description": "done", "content": _content(route)},
            "default": {
                "description": "an error",
                "content": {
                    "application/json": {"schema": {"$ref": f"#/components/schemas/error_{route.door}"}}
                },
            },
        },
    }
    if route.takes is not None:
        told["responses"]["201"] = told["responses"]["200"]
        binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        told["requestBody"] = {"required": True, "content": binary}
    if route.body is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[route.body]}},
        }
    return told


def _content(route: "Route") -> dict[str, Any]:
    if not route.media_type.startswith("application/json"):
        return {route.media_type.partition(";")[0]: {"schema": {"type": "string"}}}
    told: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if route.streams:
        told[STREAMS[route.door]] = {"schema": {"type": "string"}}
    return told


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": _SAID.get(name, {"type": "string"})}
