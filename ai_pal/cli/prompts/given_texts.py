"""Texts that a command works on: those it is given, files, or the lines of standard input."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from ai_pal.cli.prompts.given_prompt import checked_argument, decoded, read_stdin
from ai_pal.cli.terminal.completing import completes
from ai_pal.config import paths
from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Document

STDIN = "-"


class GivenText(NamedTuple):
    """A text and where it is from: `notes.txt:3`, or nothing where it stood on the command line."""

    text: str
    source: str = ""

    @property
    def line(self) -> str:
        """Its beginning, for people."""
        first = " ".join(self.text.split())
        return f"{self.source}: {first}" if self.source else first


def add_texts(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the arguments that `given_texts` reads."""
    words = parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text, in quotes")
    completes(words, "text")
    file = parser.add_argument(
        "-f", "--file", action="append", default=[], dest="files", metavar="FILE",
        help="the text of a file, or of a PDF; - is standard input (repeatable)",
    )  # fmt: skip
    completes(file, "file")
    parser.add_argument("--lines", action="store_true", help="each line of a file is a text of its own")


def given_texts(args: argparse.Namespace) -> list[GivenText]:
    """The texts. Without any, standard input has one in each line. Raises `AiPalError`."""
    found = [GivenText(checked_argument(text)) for text in args.texts]
    for name in args.files:
        text = file_text(name)
        shown = "" if name == STDIN else Path(name).name
        found += _lines(text, shown) if args.lines else [GivenText(text, shown)]
    if not args.texts and not args.files:
        found = _lines(decoded(read_stdin() or b""), "")
    found = [one for one in found if one.text.strip()]
    if not found:
        fail(Code.EMPTY_PROMPT, "there is no text", "give texts, files with -f, or lines on standard input")
    return found


def file_text(name: str) -> str:
    """The text of a file, or of standard input. Raises `AiPalError` for what holds none."""
    from ai_pal.attachments.reading import from_bytes, from_file, read_bounded

    if name == STDIN:
        if sys.stdin is None:
            return ""
        data = read_bounded(sys.stdin.buffer, "standard input")
        read = from_bytes(data, "standard input") if data else None
    else:
        read = from_file(Path(paths.expanded(name)))
    if read is None:
        return ""
    if not isinstance(read.part, Document):
        fail(Code.BAD_REQUEST, f"{name} is a {read.about}, and texts are wanted", "name a text or a PDF")
    return read.part.text


def _lines(text: str, source: str) -> list[GivenText]:
    numbered = enumerate(text.splitlines(), 1)
    return [GivenText(line, f"{source}:{number}" if source else "") for number, line in numbered]
