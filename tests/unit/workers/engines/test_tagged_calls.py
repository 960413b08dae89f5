"""Calls whose arguments stand in tags, as families write them."""

from typing import Any

import pytest

from ai_pal.protocol.options import Tool
from workers.engines.tagged_calls import gemma, tagged
from workers.engines.transformers.parts import call_forms as forms

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOLS = [Tool("weather", "", SCHEMA)]
ROME: tuple[str, dict[str, Any]] = ("weather", {"city": "Rome", "days": 2})


BAR = "\uff5c"
FUNCTION_TAGS = """
<function=weather>
<parameter=city>
Rome
</parameter>
<parameter=days>
2
</parameter>
</function>
"""
GLM = """weather
<arg_key>city</arg_key>
<arg_value>Rome</arg_value>
<arg_key>days</arg_key>
<arg_value>2</arg_value>
"""
MINIMAX = """
<invoke name="weather">
<parameter name="city">Rome</parameter>
<parameter name="days">2</parameter>
</invoke>
"""
DSML = """
<|DSML|invoke name="weather">
<|DSML|parameter name="city" string="true">Rome</|DSML|parameter>
<|DSML|parameter name="days" string="false">2</|DSML|parameter>
</|DSML|invoke>
""".replace("|", BAR)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (forms.FUNCTION_TAGS, FUNCTION_TAGS),
        (forms.GLM, GLM),
        (forms.MINIMAX, MINIMAX),
        (forms.DSML, DSML),
    ],
    ids=["function tags", "glm", "minimax", "dsml"],
)
def test_each_form_is_read(form: forms.Calls, text: str) -> None:
    assert tagged(form.name, form.pair, TOOLS)(text) == [ROME]


def test_several_calls_stand_in_one_block() -> None:
    one = '<invoke name="weather"><parameter name="city">{}</parameter></invoke>'
    read = tagged(forms.MINIMAX.name, forms.MINIMAX.pair, TOOLS)
    assert read(one.format("Rome") + one.format("12")) == [
        ("weather", {"city": "Rome"}),
        ("weather", {"city": "12"}),
    ]


def test_what_is_no_call_is_none() -> None:
    assert tagged(forms.MINIMAX.name, forms.MINIMAX.pair, TOOLS)("see <invoke>") == []


def test_a_value_that_is_no_json_is_text_and_an_unknown_tool_is_read_too() -> None:
    read = tagged(forms.GLM.name, forms.GLM.pair, TOOLS)
    text = 'clock<arg_key>zone</arg_key><arg_value>Rome, "x"</arg_value>'
    assert read(text) == [("clock", {"zone": 'Rome, "x"'})]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('call:weather{city:<|"|>Rome<|"|>,days:2}', {"city": "Rome", "days": 2}),
        ("call:weather{}", {}),
        ('call:weather{at:{x:[1,true],y:<|"|>a{b:c}"d<|"|>}}', {"at": {"x": [1, True], "y": 'a{b:c}"d'}}),
    ],
)
def test_gemmas_are_read(text: str, arguments: dict[str, Any]) -> None:
    assert gemma(text) == [("weather", arguments)]


def test_gemmas_that_are_none_are_refused() -> None:
    for text in ("weather{}", "call:weather{city:"):
        with pytest.raises(ValueError, match=r".+"):
            gemma(text)
