"""Whether an answer has its form."""

import pytest

from ai_pal.egress.form import Form
from ai_pal.protocol.options import Grammar, JsonObject, JsonSchema, ResponseFormat


@pytest.mark.parametrize(
    ("wanted", "texts", "kept"),
    [
        (None, ["anything"], True),
        (Grammar("root ::= [a]"), ["anything"], True),
        (JsonObject(), ['{"a"', ": 1}"], True),
        (JsonObject(), ["[1]"], False),
        (JsonSchema({}), ["[1]"], True),
        (JsonSchema({}), ["Sure! {}"], False),
        (JsonObject(), ["[" * 100_000], False),
    ],
)
def test_json_is_what_was_asked_for(wanted: ResponseFormat | None, texts: list[str], kept: bool) -> None:
    form = Form(wanted)
    for text in texts:
        form.add(text)
    assert form.kept == kept
