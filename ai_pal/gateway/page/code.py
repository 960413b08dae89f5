"""Code as HTML, its words told apart by classes. Pure.

A lexer is a program of regular expressions over hostile text, and some need minutes for what looks like
their language and is none (20 kB of `$`, of `s{`): each has a short time, and what it has not read by then
is shown as it is."""

import time
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Text

PREFIX = "t-"
"""Before each class, so that none is the page's own."""

CLASSES = frozenset(PREFIX + name for name in STANDARD_TYPES.values() if name)

MOST = 40_000
LONGEST_LINE = 2_000
"""Characters; what is beyond either is shown without colours."""

SECONDS = 0.1
"""Of the processor."""

_KNOWN = (
    "bash c console cpp csharp css dart diff docker elixir go graphql haskell html http ini java javascript "
    "json jsx julia kotlin latex lua make markdown matlab nginx nix ocaml perl php powershell protobuf "
    "python r ruby rust scala scss sql swift terraform toml tsx typescript xml yaml zig"
)
_NAMES = {name: name for name in _KNOWN.split()} | {
    "c++": "cpp",
    "c#": "csharp",
    "cs": "csharp",
    "dockerfile": "docker",
    "golang": "go",
    "js": "javascript",
    "kt": "kotlin",
    "makefile": "make",
    "md": "markdown",
    "mjs": "javascript",
    "patch": "diff",
    "pl": "perl",
    "ps1": "powershell",
    "py": "python",
    "python3": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "bash",
    "shell": "bash",
    "tex": "latex",
    "tf": "terraform",
    "ts": "typescript",
    "yml": "yaml",
    "zsh": "bash",
}
"""What models write behind a fence, and what Pygments calls it."""

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix=PREFIX)


def highlighted(code: str, language: str) -> str:
    """The code as HTML; plain where its language is not known, or it is too long."""
    name = _NAMES.get(language.lower())
    if name is None or len(code) > MOST or max(map(len, code.split("\n"))) > LONGEST_LINE:
        return escape(code)
    pieces: list[str] = []

    class Out:
        write = staticmethod(pieces.append)

    _FORMATTER.format(_in_time(_lexer(name), code), Out())
    return "".join(pieces)


def _in_time(lexer: Lexer, code: str) -> Iterator[tuple[Any, str]]:
    """The tokens of the code; all that is left when the time is over is one."""
    until = time.process_time() + SECONDS
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    for at, kind, text in lexer.get_tokens_unprocessed(code):
        if time.process_time() > until:
            yield Text, code[at:]
            return
        yield kind, text


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)
