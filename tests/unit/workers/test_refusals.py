import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import CompleteText, Ready
from workers.refusals import check_able

READY = Ready(1, 100, abilities=["chat", "complete"])
BEGUN = GenerationOptions(prefill="So")


def test_tokens_are_not_begun_with_a_text() -> None:
    with pytest.raises(AiPalError) as refused:
        check_able(CompleteText(1, [1, 2], options=BEGUN), READY, "m")
    assert refused.value.failure.code is Code.BAD_REQUEST
    check_able(CompleteText(1, "text", options=BEGUN), READY, "m")
