"""The kinds of chat templates: all are named, and docs/models.md has the table of them."""

from pathlib import Path

import jinja2
import pytest

from tests.template_kinds.named import FAMILIES, KINDS, table
from tests.template_kinds.writing import jinja

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_every_kind_has_its_families_and_there_are_fifty_of_them() -> None:
    assert set(KINDS) == set(FAMILIES)
    names = [name for names in FAMILIES.values() for name in names]
    assert len(names) == len(set(names))
    assert len(names) >= 50


def test_the_page_has_the_table() -> None:
    """Printed by `python -c "from tests.template_kinds.named import table; print(table())"`."""
    assert table() in PAGE.read_text()


@pytest.mark.parametrize("name", KINDS)
def test_each_is_a_template(name: str) -> None:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    assert environment.from_string(jinja(KINDS[name]))
