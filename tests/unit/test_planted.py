"""Each planted bug can still be planted: the sources have not moved away from under it."""

import ast
from pathlib import Path

import pytest

from tests.planted.__main__ import planted
from tests.planted.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.title)
def test_it_can_be_planted(bug: Bug) -> None:
    source = (ROOT / bug.file).read_text(encoding="utf-8")
    ast.parse(planted(bug, source))
    command, *rest = bug.proof.split()
    files = [part for part in rest if part.startswith("tests/")] if command == "pytest" else [command]
    assert all((ROOT / file).is_file() for file in files)


def test_each_promise_has_one() -> None:
    assert {bug.promise for bug in BUGS} == {*range(1, 19), 20, 21, 22}
