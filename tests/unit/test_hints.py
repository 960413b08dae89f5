"""Hints reach every face: they name fields of requests, and each face says them in its own words."""

import ast
import re
from pathlib import Path

import pytest

from ai_pal.cli.terminal.failures import describe
from ai_pal.errors import Code, Failure

ROOT = Path(__file__).parents[2]
SHARED = [
    path
    for folder in ("ai_pal", "workers")
    for path in (ROOT / folder).rglob("*.py")
    if ROOT / "ai_pal" / "cli" not in path.parents
]
FLAG = re.compile(r"(?:^|\s)(?:--[a-z]|/(?:set|local|model)\b)")
COMMANDS = ("ai-pal ", "qpdf ", "-m ensurepip", "-m pip")


def hints(path: Path) -> list[str]:
    """The texts behind the message of each failure that is made in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in ("Failure", "fail", "failure", "_refused"):
            for given in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
                pieces = [one.value for one in ast.walk(given) if isinstance(one, ast.Constant)]
                found.append("".join(piece for piece in pieces if isinstance(piece, str)))
    return found


def test_no_hint_names_an_option_of_one_face_alone() -> None:
    every = [(path.name, text) for path in SHARED for text in hints(path)]
    assert len(every) > 300
    wrong = [one for one in every if FLAG.search(one[1]) and not any(name in one[1] for name in COMMANDS)]
    assert not wrong


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("allow more time: `deadline`", "allow more time: --deadline"),
        ("allow a longer answer: `max_tokens`", "allow a longer answer: --max-tokens"),
        ("llava can: `model`=llava", "llava can: --model llava"),
        ("let others be asked too: `fallback`", "let others be asked too: leave out --no-fallback"),
        ("start one with `ai-pal supervise`", "start one with `ai-pal supervise`"),
        ("lower `slots`", "lower `slots`"),
    ],
)
def test_the_command_line_shows_its_own_options(hint: str, shown: str) -> None:
    assert describe(Failure(Code.BAD_REQUEST, "no", hint)).endswith(f"\nhint: {shown}")
