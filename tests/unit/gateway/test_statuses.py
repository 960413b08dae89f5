"""HTTP statuses of our error codes."""

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.gateway.anthropic.answer import error_of as anthropic_error
from ai_pal.gateway.openai.errors import error_of as openai_error
from ai_pal.gateway.statuses import status_of


@pytest.mark.parametrize("code", Code)
def test_each_code_has_a_status_and_is_told_on_each_door(code: Code) -> None:
    failure = Failure(code, "what happened", "what to do")
    assert 400 <= status_of(failure) <= 507
    assert "what happened" in openai_error(failure)["error"]["message"]
    assert "what to do" in anthropic_error(failure)["message"]


def test_a_code_that_is_newer_than_this_gateway_is_told_too() -> None:
    assert status_of(Failure("from_the_future", "x")) == 500
    assert openai_error(Failure("from_the_future", "x"))["error"]["code"] == "from_the_future"
