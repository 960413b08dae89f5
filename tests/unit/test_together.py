"""Who asks a server that others ask too runs with them: no file may be forgotten."""

import ast
from pathlib import Path

from tests.together import FOLDER, GROUPS

ROOT = Path(__file__).parents[2]
SHARED = {"gateway", "served", "own", "http", "site", "tab"}
"""Fixtures that start something for a whole test process, and those that need them."""


def asks(file: Path) -> bool:
    """Whether a test or fixture of this file has one of them as a parameter."""
    functions = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef))
    return any(arg.arg in SHARED for function in functions for arg in function.args.args)


def test_whoever_shares_a_server_has_a_group() -> None:
    files = (ROOT / FOLDER).rglob("test_*.py")
    assert {str(file.relative_to(ROOT)) for file in files if asks(file)} == set(GROUPS)
