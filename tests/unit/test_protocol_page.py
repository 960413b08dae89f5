"""docs/ipc-protocol.md against the code: tables, error codes, examples. What it says is what is spoken."""

import ast
import json
import re
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import msgpack
import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import content, options
from ai_pal.protocol.content import Message
from ai_pal.protocol.frames import MOST_BYTES, MOST_FRAMES, MOST_PARTS
from ai_pal.protocol.hub import HubFile, HubModel, HubRevision
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import OfferedModel
from ai_pal.protocol.requests import MOST_TEXTS
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.endpoints.connections import ALL_HOLD, CLIENT_HOLDS
from ai_pal.server.services.jobs import LARGEST_RESULT
from ai_pal.transport.sockets import HARD_FRAME_LIMIT

PAGE = (Path(__file__).parents[2] / "docs" / "ipc-protocol.md").read_text(encoding="utf-8")
NAMED: dict[str, type[msgspec.Struct]] = {
    "message": Message,
    "options": GenerationOptions,
    "usage": Usage,
    "timings": Timings,
    "failure": Failure,
    "worker": wire.WorkerStatus,
    "gateway": wire.Gateway,
    "node": wire.NodeStatus,
    "card": wire.NodeCard,
    "feature": wire.Feature,
    "candidate": wire.RouteCandidate,
    "cascade": wire.Cascade,
    "provider": wire.ProviderStatus,
    "offered_model": OfferedModel,
    "model": wire.ModelInfo,
    "hub_model": HubModel,
    "hub_revision": HubRevision,
    "hub_file": HubFile,
    "request": wire.RequestStatus,
    "download": wire.DownloadStatus,
    "happening": wire.Happening,
    **{str(part.__struct_config__.tag): part for part in get_args(content.AnyPart)},
    **{str(form.__struct_config__.tag): form for form in get_args(options.ResponseFormat)},
    "tool": options.Tool,
    "named_tool": options.NamedTool,
    "token_logprob": content.TokenLogprob,
    "alternative": content.Alternative,
}
MESSAGES = [*get_args(wire.AnyRequest), *get_args(wire.AnyEvent)]
PLAIN: dict[Any, str] = {
    int: "int",
    float: "float",
    str: "str",
    bool: "bool",
    type(None): "nil",
    bytes: "bin",
    content.AnyPart: "part",
    dict[str, Any]: "map",
}


def sections() -> dict[str, list[list[str]]]:
    """Each heading of a message with the rows of the table below it, without the head."""
    found = {}
    for title, body in re.findall(r"^#{3,4} `?([a-z_]+)`?\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL):
        rows = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| `")]
        found[title] = rows
    return found


SECTIONS = sections()


def type_name(kind: Any) -> str:
    """A field's type as the page writes it."""
    if kind in PLAIN:
        return PLAIN[kind]
    for name, struct in NAMED.items():
        if kind is struct:
            return f"[{name}](#{name})"
    if get_origin(kind) is Literal:
        return "str"
    if get_origin(kind) in (types.UnionType, Union):
        return " or ".join(type_name(part) for part in get_args(kind))
    if get_origin(kind) is list:
        return f"list of {type_name(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"map of {' to '.join(map(type_name, get_args(kind)))}"
    raise AssertionError(f"no name for {kind}")


def default_text(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "\N{EN DASH}"
    if field.default == b"":
        return '`""`'
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return "nil"
    if isinstance(value, msgspec.Struct) or value == {}:
        return "`{}`"
    return f"`{json.dumps(value)}`"


def expected(struct: type[msgspec.Struct]) -> list[list[str]]:
    fields = msgspec.structs.fields(struct)
    return [[f"`{f.encode_name}`", type_name(f.type), default_text(f)] for f in fields]


@pytest.mark.parametrize("struct", MESSAGES, ids=lambda struct: str(struct.__struct_config__.tag))
def test_a_message_is_described_as_it_is(struct: type[msgspec.Struct]) -> None:
    assert [row[:3] for row in SECTIONS[str(struct.__struct_config__.tag)]] == expected(struct)


@pytest.mark.parametrize("name", NAMED)
def test_a_map_inside_messages_is_described_as_it_is(name: str) -> None:
    assert [row[:3] for row in SECTIONS[name]] == expected(NAMED[name])


def test_nothing_is_described_that_does_not_exist() -> None:
    assert set(SECTIONS) == {str(struct.__struct_config__.tag) for struct in MESSAGES} | set(NAMED)


def test_every_error_code_has_a_line() -> None:
    table = PAGE.partition("## 9. Error codes")[2].partition("## 10.")[0]
    assert re.findall(r"^\| `(\w+)` \| (?:yes|no) \| (?:yes|no|varies) \|", table, re.MULTILINE) == list(Code)


def test_the_limits_are_the_real_ones() -> None:
    assert f"| {wire.MAX_FRAME} bytes" in PAGE
    assert f"| {HARD_FRAME_LIMIT} bytes" in PAGE
    assert f"| attachments' frames of one request | {MOST_FRAMES} |" in PAGE
    assert f"| {MOST_BYTES} bytes" in PAGE
    assert f"| {CLIENT_HOLDS} bytes (256 MiB) of one connection, {ALL_HOLD} (" in PAGE
    assert f"| texts of one `embed` or `rerank` | {MOST_TEXTS} |" in PAGE
    assert f"| {LARGEST_RESULT} bytes" in PAGE
    assert f"| parts of all messages of a request | {MOST_PARTS} |" in PAGE
    assert f"has the number **{wire.PROTOCOL}**" in PAGE


def test_the_bytes_are_what_is_sent() -> None:
    dumps = re.findall(r"<!-- bytes: (.*?) -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert len(dumps) == 4
    for said, dump in dumps:
        octets = bytes.fromhex("".join(re.findall(r"^ *((?:[0-9a-f]{2}  ?)+)", dump, re.MULTILINE)))
        assert msgpack.unpackb(octets) == json.loads(said)
        known = wire.decode_request if b"hello" in octets or b"chat" in octets else wire.decode_event
        message = known(octets)  # a map of more fields may have a wider head
        assert msgpack.unpackb(wire.encode(message)) == msgpack.unpackb(octets)


def test_the_examples_need_pyzmq_and_msgpack_only() -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        imports = [node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Import)]
        names = {alias.name for node in imports for alias in node.names}
        assert names == {"os", "sys", "msgpack", "zmq"}
