"""A prompt that cannot be judged is answered all the same."""

import pytest

from ai_pal.protocol.content import Message
from ai_pal.server.app.judging import UNJUDGED, judge
from ai_pal.server.router import complexity

PROMPT = [Message("user", "a secret")]


def test_the_score_is_that_of_the_prompt() -> None:
    assert judge(PROMPT) == complexity.explain(PROMPT)


def test_a_judge_that_breaks_keeps_the_prompt_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(messages: object) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(complexity, "explain", broken)
    assert judge(PROMPT) == UNJUDGED
