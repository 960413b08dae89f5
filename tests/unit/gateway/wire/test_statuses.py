"""HTTP statuses of our error codes."""

from typing import Any

import msgspec
import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.anthropic.answer import error_of as anthropic_error
from ai_pal.gateway.openai.errors import error_of as openai_error
from ai_pal.gateway.routes import ROUTES
from ai_pal.gateway.wire.statuses import STATUSES, retry_after, status_of

OF_WHO_ASKS = (
    *(Code.BAD_REQUEST, Code.EMPTY_PROMPT, Code.INPUT_NOT_UTF8, Code.PROMPT_TOO_LARGE, Code.FRAME_TOO_LARGE),
    *(Code.UNKNOWN_MESSAGE, Code.DUPLICATE_ID, Code.NOT_OWNER, Code.CANCELLED, Code.UNSUPPORTED),
    *(
        Code.SCHEMA_INVALID,
        Code.IMAGE_INVALID,
        Code.IMAGE_TOO_LARGE,
        Code.MODEL_NOT_FOUND,
        Code.MODEL_NOT_HERE,
    ),
    *(Code.MODEL_GATED, Code.MODEL_INVALID, Code.MODEL_BUSY, Code.LENGTH, Code.LOCAL_ONLY, Code.OVER_BUDGET),
    *(Code.NO_CONSENT, Code.NO_KEY, Code.NO_FALLBACK, Code.NO_CREDIT, Code.ACCESS_DENIED, Code.KEY_REFUSED),
    *(Code.RATE_LIMITED, Code.CONVERSATION_NOT_FOUND, Code.PRESET_NOT_FOUND, Code.DIRECT_LOADING_OFF),
)
"""Codes that another request, another key or another setting of the asker's would not have met."""

DOORS = {route.door: route.error for route in ROUTES}


def test_each_code_has_one_place() -> None:
    placed = [code for codes in STATUSES.values() for code in codes]
    assert sorted(placed) == sorted(Code)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("code", Code)
def test_each_code_is_told_on_each_door(code: Code, door: str) -> None:
    error = AiPalError(Failure(code, "what happened", "what to do"))
    told: Any = DOORS[door](error)
    assert 400 <= status_of(error.failure) <= 507
    assert b"what happened: what to do" in msgspec.json.encode(told)


@pytest.mark.parametrize("code", OF_WHO_ASKS)
def test_what_who_asks_has_caused_is_no_fault_of_the_server(code: Code) -> None:
    failure = Failure(code, "what happened")
    assert 400 <= status_of(failure) < 500
    assert openai_error(failure)["error"]["type"] != "server_error"
    assert anthropic_error(failure)["type"] not in ("api_error", "overloaded_error")
    if code != Code.RATE_LIMITED:
        assert retry_after(failure) is None


def test_a_code_that_is_newer_than_this_gateway_is_told_too() -> None:
    assert status_of(Failure("from_the_future", "x")) == 500
    assert openai_error(Failure("from_the_future", "x"))["error"]["code"] == "from_the_future"
