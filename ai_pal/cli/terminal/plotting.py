"""`--plot FILE.svg|-`: what commands with a plot share."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ai_pal.cli.terminal.completing import completes
from ai_pal.errors import Code, fail

if TYPE_CHECKING:
    from ai_pal.cli.terminal.plots import Chart


def add_plot(parser: argparse.ArgumentParser) -> None:
    """The option."""
    plot = parser.add_argument(
        "--plot",
        type=_svg,
        metavar="FILE.svg",
        help="draw it, as SVG; - is stdout, in the place of the table",
    )
    completes(plot, "file")


def refuse_two(args: argparse.Namespace) -> None:
    """Raises `AiPalError`: stdout has room for one of the two."""
    if args.plot == "-" and args.json:
        fail(Code.BAD_REQUEST, "--json and --plot - both go to stdout", "--plot FILE.svg")


def plot(name: str, title: str, charts: "Sequence[Chart]") -> None:
    """Write it, and say where it is. Raises `AiPalError`."""
    from ai_pal.cli.terminal.output_file import write_out
    from ai_pal.cli.terminal.plots import svg
    from ai_pal.cli.terminal.streams import remark

    write_out(name, svg(title, charts).encode())
    if name != "-":
        remark(f"drawn in {name}: a browser shows it")


def _svg(name: str) -> str:
    if name == "-" or name.lower().endswith(".svg"):
        return name
    raise argparse.ArgumentTypeError(f"{name!r} is no name of an SVG: end it with .svg, or - for stdout")
