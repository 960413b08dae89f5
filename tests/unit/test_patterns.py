"""What a pattern says of a text it says of all of it: `$` alone lets a line's end pass behind it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from ai_pal.config import Settings
from ai_pal.gateway.metrics import Metrics
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.routes import routes_with

ENDS = (r"\Z", r"$(?!\n)")
"""Of a text; JSON Schema knows the second one alone."""
ROUTES = routes_with(Metrics(), Kept(Path("/nowhere"), 0.0), Page(Path("/nowhere")))


def patterns(kind: Any, seen: set[int]) -> Iterator[str]:
    """Those of this type and of all that it is made of."""
    if id(kind) in seen:
        return
    seen.add(id(kind))
    if isinstance(kind, list | tuple):
        for one in kind:
            yield from patterns(one, seen)
    elif isinstance(kind, msgspec.Struct):
        if pattern := getattr(kind, "pattern", None):
            yield pattern
        for name in kind.__struct_fields__:
            yield from patterns(getattr(kind, name), seen)


def test_the_end_of_a_pattern_is_that_of_the_text() -> None:
    kinds = [Settings, *(route.body for route in ROUTES if route.body)]
    found = set(patterns(msgspec.inspect.multi_type_info(kinds), set()))
    assert len(found) > 5
    assert [pattern for pattern in found if not pattern.endswith(ENDS)] == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("text", ["a\n", "a\nb", ""])
def test_one_line_alone_passes(end: str, text: str) -> None:
    kind = Annotated[str, msgspec.Meta(pattern=f"^a{end}")]
    assert msgspec.convert("a", kind) == "a"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, kind)
