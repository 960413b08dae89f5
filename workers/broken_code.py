"""Code in an answer that its own language's parser does not take: Python, JSON and TOML, whose parsers are in
the standard library. Pure."""

import ast
import json
import re
import textwrap
import tomllib
import warnings
from typing import NamedTuple

LONGEST = 1 << 16
"""Characters of a block: a parser's depth is bounded by that, too."""
PYTHON = {"python", "py", "python3"}


class Block(NamedTuple):
    """A block between fences, and the language that it names in lower case."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Those that are closed."""
    return [Block(found["language"].lower(), found["text"]) for found in _BLOCK.finditer(text)]


def is_broken(block: Block) -> bool:
    """Whether it does not parse. What stands for something left out is no fault."""
    text = block.text
    if len(text) > LONGEST or not text.strip():
        return False
    if block.language in PYTHON or (not block.language and _LOOKS_LIKE_PYTHON.search(text)):
        return _is_broken_python(text)
    if block.language == "json":
        return not _LEFT_OUT.search(text) and _fails(json.loads, text) and _fails(_json_lines, text)
    if block.language == "toml":
        return not _LEFT_OUT.search(text) and _fails(tomllib.loads, text)
    return False


def _is_broken_python(text: str) -> bool:
    if _SESSION.match(text):
        text = "\n".join(line.lstrip()[4:] for line in text.splitlines() if _SESSION.match(line))
    text = textwrap.dedent(text)
    return all(_fails(_parse, one) for one in (text, _indented(text), _SHELL_LINE.sub("", text)))


def _parse(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(text)


def _indented(text: str) -> str:
    """As the body of a function, whose first line alone may stand further to the left."""
    return "async def _():\n" + textwrap.indent(text, " ") + "\n pass"


def _json_lines(text: str) -> None:
    for line in text.splitlines():
        if line.strip():
            json.loads(line)


def _fails(parse: object, text: str) -> bool:
    assert callable(parse)
    try:
        parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return True
    return False


_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)```[ \t]*(?P<language>[\w+#.-]*)[^\n`]*\n(?P<text>.*?)^[ \t]*```[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_LOOKS_LIKE_PYTHON = re.compile(r"^(?:def \w+\(.*\).*:|from [\w.]+ import |class \w+.*:)\s*$", re.MULTILINE)
_SESSION = re.compile(r"\s*(?:>>>|\.\.\.)(?: |$)")
_SHELL_LINE = re.compile(r"^[%!]\w.*$", re.MULTILINE)
_LEFT_OUT = re.compile(r"\.\.\.|…|//|/\*|^\s*#", re.MULTILINE)
