"""Each field that the SDKs publish is honoured on each door, or docs/http.md says why it is not."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

from ai_pal.errors import AiPalError
from ai_pal.gateway.openai.responses.kept import Kept
from tests.unit.gateway.doors import Door, doors, still
from tests.unit.gateway.published import Body, Published

PAGE = Path(__file__).parents[3] / "docs" / "http.md"
GROUPS = {"OpenAI": "/v1/[!m]*", "Anthropic": "/v1/messages*", "Ollama": "/api/*"}
USUAL = ("response_format(text)", "text.format(text)")
"""What an answer is anyway."""

TYPED = "Invalid enum value"
"""How a value is refused that is none of those which are known."""


class Row(NamedTuple):
    """One field, or a pattern of such, in the table of those that are not honoured."""

    of: str
    field: str
    here: str

    def means(self, route: str, path: str) -> bool:
        """Whether it tells of this one."""
        if not fnmatchcase(route, GROUPS.get(self.of, self.of)):
            return False
        wanted, parts = self.field.split("."), path.replace("[]", "").split(".")
        places = range(len(parts) - len(wanted) + 1)
        return any(all(map(_alike, parts[at : at + len(wanted)], wanted)) for at in places)


def _alike(part: str, wanted: str) -> bool:
    return fnmatchcase(part, wanted) or re.sub(r"\(.*\)", "", part) == wanted


def rows() -> Iterator[Row]:
    table = PAGE.read_text().partition("### What changes nothing")[2].partition("\n### ")[0]
    for line in table.splitlines():
        if line.startswith("| ") and "`" in line:
            of, fields, here, _ = line.strip("| ").split(" | ")
            for field in re.findall(r"`([^`]+)`", fields):
                yield Row(of.strip("`"), field, here)


def verdicts(door: Door) -> Iterator[tuple[str, str]]:
    """Each published field of a door, and what becomes of it."""
    known: dict[str, str | None] = {}

    def made(body: Body) -> str | None:
        if (key := repr(body)) not in known:
            try:
                known[key] = door.made(body)
            except AiPalError as error:
                known[key], why[key] = None, error.failure.message
        return known[key]

    why: dict[str, str] = {}
    assert made(door.base) is not None, why
    for field in Published(door.known, door.always, made).fields(door.kind, door.base):
        if not field.path.endswith(USUAL):
            without = [] if field.without is None else [made(field.without)]
            results = [made(body) for body in field.bodies]
            refusals = [why[repr(body)] for body in field.bodies if repr(body) in why]
            yield field.path, _verdict(results, without, refusals)


def _verdict(results: list[str | None], without: list[str | None], refusals: list[str]) -> str:
    """`refusals` are why some values are refused: one that another would not have been is read at least."""
    if not any(results):
        return "refused"
    different = {one for one in (*results, *without) if one is not None}
    if len(different) > 1 or not all(TYPED in why for why in refusals):
        return "honoured"
    return "no effect"


def test_each_field_is_of_one_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    table, meant, wrong = list(rows()), set[Row](), list[str]()
    for door in doors(Kept(tmp_path / "responses.db", 3600.0)):
        for path, verdict in verdicts(door):
            of_it = {row for row in table if row.means(door.route, path)}
            meant |= {row for row in of_it if row.here == verdict}
            if {row.here for row in of_it} != ({verdict} - {"honoured"}):
                wrong.append(f"{door.route}: {path} is {verdict}, told as {[row.here for row in of_it]}")
    assert not wrong, "\n".join(wrong)
    assert [row for row in table if row not in meant] == []
