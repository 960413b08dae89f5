"""What binds an answer: schemas, grammars and tools, from files and as they are."""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_pal.cli.prompts import form_files
from ai_pal.protocol.options import Grammar, JsonSchema, NamedTool, Tool

PERSON = {"type": "object", "properties": {"name": {"type": "string"}}}
WEATHER = Tool("weather", "What the weather is.", PERSON)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], str]:
    def write(content: str | bytes) -> str:
        file = tmp_path / "given"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    return write


def test_a_schema_is_read_from_a_file_or_as_it_is(written: Callable[[str | bytes], str]) -> None:
    assert form_files.schema(json.dumps(PERSON)) == JsonSchema(PERSON)
    assert form_files.schema(written(json.dumps(PERSON))) == JsonSchema(PERSON)
    assert form_files.schema(written(b"\xef\xbb\xbf" + json.dumps(PERSON).encode())) == JsonSchema(PERSON)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is no JSON"),
        ("{'type': 'object'}", "is no JSON"),
        ("[]", "holds no JSON Schema"),
        ('"text"', "holds no JSON Schema"),
        ('{"type": "objekt"}', "'objekt' is no type of JSON"),
        (b"\xff\xfe{\x00", "is not UTF-8 text (byte 0)"),
        ('{"name": "x", "age": 3}', "none of its names is a keyword of JSON Schema: 'name', 'age'"),
        ('{"propertys": {}}', "none of its names is a keyword"),
        ("false", "holds no JSON Schema"),
        ("[" * 9999 + "]" * 9999, "is nested too deep to be read"),
        (b" " * (form_files.MOST_BYTES + 1), "larger than 8 MiB"),
    ],
)
def test_a_file_that_holds_no_schema_says_so_in_one_line(
    content: str | bytes, says: str, written: Callable[[str | bytes], str]
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        form_files.schema(written(content))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("anything", ["{}", "true", ' {"title": "T"}', '{"$comment": "all"}'])
def test_a_schema_may_allow_anything(anything: str, written: Callable[[str | bytes], str]) -> None:
    assert isinstance(form_files.schema(written(anything)), JsonSchema)


class Stdin(io.TextIOWrapper):
    """Of a shell: a pipe, or a terminal."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


def test_a_minus_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for reads, text, expected in (
        (form_files.schema, json.dumps(PERSON), JsonSchema(PERSON)),
        (form_files.grammar, 'root ::= "a"', Grammar('root ::= "a"')),
        (form_files.tools, json.dumps({"name": "weather", "parameters": PERSON}), None),
    ):
        monkeypatch.setattr("sys.stdin", Stdin(io.BytesIO(text.encode())))
        found = reads("-")
        assert expected is None or found == expected
    monkeypatch.setattr("sys.stdin", Stdin(io.BytesIO(b"{")))
    with pytest.raises(argparse.ArgumentTypeError, match="standard input is no JSON"):
        form_files.schema("-")


@pytest.mark.parametrize("stdin", ["none", "a terminal"])
def test_a_minus_without_standard_input_says_so(stdin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Stdin(io.BytesIO())
    found.terminal = True
    monkeypatch.setattr("sys.stdin", found if stdin == "a terminal" else None)
    with pytest.raises(argparse.ArgumentTypeError, match="- reads the schema from standard input"):
        form_files.schema("-")


@pytest.mark.parametrize("name", ["nowhere.json", ".", "a\x00b", "~nobody-here/x"])
def test_a_file_that_cannot_be_read_says_so(name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="there is no schema to read"):
        form_files.schema(name)


def test_a_grammar_is_read(written: Callable[[str | bytes], str]) -> None:
    assert form_files.grammar(written("root ::= [0-9]+")) == Grammar("root ::= [0-9]+")
    with pytest.raises(argparse.ArgumentTypeError, match="holds no grammar"):
        form_files.grammar(written("nothing of the kind"))


@pytest.mark.parametrize(
    "listed",
    [
        [{"name": "weather", "description": "What the weather is.", "parameters": PERSON}],
        {"name": "weather", "description": "What the weather is.", "parameters": PERSON},
        [
            {
                "type": "function",
                "function": {
                    "name": "weather", "description": "What the weather is.", "parameters": PERSON,
                    "strict": True,
                },
            }
        ],
        [{"name": "weather", "description": "What the weather is.", "input_schema": PERSON}],
        {"tools": [{"name": "weather", "description": "What the weather is.", "parameters": PERSON}]},
    ],
)  # fmt: skip
def test_tools_are_read_in_every_form_that_people_have(listed: Any) -> None:
    assert form_files.tools(json.dumps(listed)) == [WEATHER]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "holds no tools"),
        ("{}", "missing required field `name`"),
        ("[1]", "tool 1 is no object"),
        ('[{"name": 1}]', "tool 1: Expected `str`"),
        ('[{"name": "a", "parameters": {"type": "objekt"}}]', "tool 1, a: its parameters are no JSON Schema"),
        ("nowhere.json", "there is no tools to read"),
    ],
)
def test_what_is_no_list_of_tools_is_refused(text: str, says: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        form_files.tools(text)
    assert says in str(refused.value)


def test_a_choice_is_a_word_or_a_tool() -> None:
    assert form_files.tool_choice("required") == "required"
    assert form_files.tool_choice("weather") == NamedTool("weather")
