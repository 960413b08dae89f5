"""The examples that stand in help texts and pages, as command lines."""

import argparse
import re
from pathlib import Path

from ai_pal.cli import ALIASES, build_parser

ROOT = Path(__file__).parents[2]
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_GAP = re.compile(r"""((?:"[^"]*"|'[^']*'|\S| (?! ))+)""")
"""Up to two blanks outside of quotes: what follows is a remark."""


def of_help() -> dict[str, list[str]]:
    """Those of each command's help."""
    found = {}
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, parser in action.choices.items():
                if name not in ALIASES:
                    found[f"help {name}"] = _in_epilog(parser.epilog or "")
    return found


def of_page(page: str) -> list[str]:
    """Those of a page: lines of a console behind `$`, without the remark behind `#`."""
    blocks = CONSOLE.findall((ROOT / page).read_text())
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [_alone(line[2:].partition("  #")[0].partition(" # ")[0]) for line in lines]


def _in_epilog(epilog: str) -> list[str]:
    lines = epilog.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    return [_alone(line.strip()) for line in lines]


def _alone(line: str) -> str:
    match = _GAP.match(line)
    return match[1].strip() if match else line
