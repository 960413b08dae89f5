"""How far a thought may go before an answer of llama.cpp that has to validate."""

import pytest

from ai_pal.protocol.options import GenerationOptions, JsonObject
from workers.engines.llamacpp.request import USUAL_ANSWER, answer_body
from workers.engines.llamacpp.template import Template
from workers.engines.thought_marks import MARKS

MAY_THINK = Template(thinks="if wanted", marks=MARKS[0])


@pytest.mark.parametrize(
    ("most", "left", "budget"),
    [(100, 5000, 50), (None, 5000, USUAL_ANSWER // 2), (None, 300, 150), (4000, 300, 150), (1, 300, 1)],
)
def test_it_gets_half_of_what_the_answer_may_have_and_the_window_holds(
    most: int | None, left: int, budget: int
) -> None:
    options = GenerationOptions(max_tokens=most, response_format=JsonObject())
    assert answer_body(options, MAY_THINK, "", lambda: left)["thinking_budget_tokens"] == budget


def test_nothing_is_counted_where_nothing_is_bound() -> None:
    def left() -> int:
        raise AssertionError

    for options in (GenerationOptions(), GenerationOptions(response_format=JsonObject(), thinking_budget=9)):
        assert (
            answer_body(options, MAY_THINK, "", left).get("thinking_budget_tokens") == options.thinking_budget
        )
