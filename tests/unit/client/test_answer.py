"""What an answer from Python raises."""

import pytest

from ai_pal.client.answer import Answer
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire

REFUSED = Failure(Code.UNSUPPORTED, "smollm2 cannot call tools")
NO_SDK = Failure(Code.SDK_MISSING, "the package for cohere is not installed")
UNREACHED = Failure(Code.PROVIDER_UNREACHABLE, "ollama could not be reached")


@pytest.mark.parametrize("reasons", [[REFUSED, NO_SDK], [REFUSED, UNREACHED, NO_SDK], [REFUSED]])
def test_it_raises_the_reason_of_who_was_there_not_that_a_provider_was_never_set_up(
    reasons: list[Failure],
) -> None:
    with pytest.raises(AiPalError, match="smollm2 cannot call tools"):
        Answer().take(wire.Failed(1, reasons))


@pytest.mark.parametrize("reasons", [[NO_SDK], [UNREACHED, NO_SDK]])
def test_that_one_was_not_set_up_is_the_reason_where_nobody_else_is_there(reasons: list[Failure]) -> None:
    with pytest.raises(AiPalError, match="the package for cohere"):
        Answer().take(wire.Failed(1, reasons))
