"""Who counts: the model where it is loaded, or where only it knows how many; else its vocabulary."""

import pytest

from ai_pal.protocol.content import Audio, Image, Message, Text, ToolResult
from ai_pal.protocol.worker import CountTokens
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.serving.counting import by_vocabulary

SAID = [Message("user", "hi")]
SHOWN = [Message("user", [Text("what is it?"), Image("image/png", b"x")])]
HEARD = [Message("user", [Audio("audio/wav", b"x")])]
BROUGHT = [Message("tool", [ToolResult("a", [Image("image/png", b"x")])])]


@pytest.mark.parametrize("phase", [None, *Phase])
def test_the_vocabulary_counts_unless_the_model_is_loaded(phase: Phase | None) -> None:
    assert by_vocabulary(CountTokens(1, SAID), phase) == (phase is not Phase.READY)


@pytest.mark.parametrize("messages", [SHOWN, HEARD, BROUGHT])
def test_what_the_model_sees_or_hears_it_counts_itself(messages: list[Message]) -> None:
    assert not by_vocabulary(CountTokens(1, messages), None)
