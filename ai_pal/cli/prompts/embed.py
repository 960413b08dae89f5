"""`ai-pal embed [TEXT...]`: turn texts into vectors."""

import argparse
import sys
from typing import TYPE_CHECKING

from ai_pal.cli.prompts.given_texts import GivenText, add_texts, given_texts
from ai_pal.cli.prompts.using import add_using, in_batches, tell_who, using
from ai_pal.cli.prompts.values import field
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.output_file import write_out
from ai_pal.errors import Code, fail

if TYPE_CHECKING:
    from ai_pal.client.vectors import Embeddings

EXAMPLES = """examples:
  ai-pal embed -m sentence-transformers/all-MiniLM-L6-v2 "The sky is blue."
  ai-pal embed -f notes.txt -f report.pdf --json | jq '.vectors[0]'
  ai-pal embed --npy vectors.npy < sentences.txt
  python -c 'import numpy; print(numpy.load("vectors.npy").shape)'
  ai-pal embed -f sentences.txt --lines --npy - > vectors.npy

Without -m the setting `model` answers if it was made for this, else the one
embedding model that is here. A pipe gets a JSON array for each text, a line each; a terminal how they begin.
Standard input has a text in each line. Vectors have length 1.

"""

_BEGINNING = 4


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    add_texts(parser)
    add_using(parser, "a model that makes vectors of texts")
    parser.add_argument(
        "--dimensions", type=field("dimensions"), default=0, metavar="N",
        help="the first N of each vector, 0 for all, where the model was made for that",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    out = form.add_argument("--npy", metavar="FILE", help="write an array of numpy (.npy); - is stdout")
    completes(out, "file")


def run(args: argparse.Namespace) -> int:
    if args.npy == "-" and sys.stdout.isatty():
        fail(Code.BAD_REQUEST, "a terminal cannot show an array of numpy", "--npy FILE, or a pipe")
    texts, how = given_texts(args), using(args)
    found = in_batches(
        [one.text for one in texts],
        "embedding",
        lambda client, batch: client.embed(batch, dimensions=args.dimensions, **how),
    )
    if args.npy is not None:
        write_out(args.npy, npy(found))
    elif args.json:
        _print_json(found, texts)
    else:
        _print(found, texts)
    tell_who(found[0].model, sum(one.usage.prompt_tokens for one in found))
    return failures.OK


def npy(found: "list[Embeddings]") -> bytes:
    """The vectors in numpy's file format, version 1.0: a header, padded to 64 bytes, and the numbers."""
    shape = (sum(map(len, found)), found[0].dimensions)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    lead = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("ascii")
    return lead + b"".join(one.data for one in found)


def rounded(vector: list[float]) -> list[float]:
    """With as many digits as 32 bits hold."""
    return [float(f"{value:.9g}") for value in vector]


def _print_json(found: "list[Embeddings]", texts: list[GivenText]) -> None:
    import msgspec

    said = {
        "model": found[0].model,
        "dimensions": found[0].dimensions,
        "prompt_tokens": sum(one.usage.prompt_tokens for one in found),
        "sources": [one.source for one in texts],
        "vectors": [rounded(vector) for one in found for vector in one],
    }
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")  # a number a line would be too many


def _print(found: "list[Embeddings]", texts: list[GivenText]) -> None:
    import msgspec

    vectors = (vector for one in found for vector in one)
    if not sys.stdout.isatty():
        for vector in vectors:
            sys.stdout.buffer.write(msgspec.json.encode(rounded(vector)) + b"\n")
        return
    from ai_pal.cli.terminal.table import table, terminal_width

    rows = [
        (" ".join(f"{value:+.4f}" for value in vector[:_BEGINNING]), neutral_line(text.line))
        for vector, text in zip(vectors, texts, strict=True)
    ]
    print(table((f"{found[0].dimensions} DIMENSIONS", "TEXT"), rows, width=terminal_width()))
