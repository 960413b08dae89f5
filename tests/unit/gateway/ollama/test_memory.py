"""Ollama's `context` holds what was said; one that was not made here is refused."""

import random
from typing import Any

import pytest

from ai_pal.gateway.asking.privacy_level import PrivacyLevel
from ai_pal.gateway.ollama.memory import MOST_BYTES, recalled, remembered
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import Image, Message, Text

HERE = PrivacyLevel(local_only=True)
TURNS = [Message("system", "be brief"), Message("user", "näher 数学 \n"), Message("assistant", "")]


def test_what_was_said_comes_back_whole() -> None:
    numbers = remembered(TURNS, HERE)
    assert recalled(numbers) == (TURNS, HERE)
    assert all(0 <= number < 2**24 for number in numbers)
    assert recalled([]) == ([], PrivacyLevel())
    shown = Message("user", [Image("image/png", b"\x89PNG"), Text("what is it?")])
    assert recalled(remembered([shown], HERE))[0] == [Message("user", "what is it?")]


@pytest.mark.parametrize(
    "numbers",
    [
        [1, 2, 3],
        [-1],
        remembered(TURNS, HERE)[:-2],
        remembered(TURNS, HERE)[:3],
        [remembered(TURNS, HERE)[0]],
        [*remembered(TURNS, HERE)[:1], 2**60],
        remembered([Message("user", "x" * (MOST_BYTES + 1))], HERE),
        remembered([Message("tool", "x")], HERE),
    ],
    ids=lambda numbers: f"{len(numbers)} numbers",
)
def test_what_was_not_made_here_is_refused(numbers: Any) -> None:
    with pytest.raises(BodyError) as caught:
        recalled(numbers)
    assert caught.value.param == "context"


def test_no_noise_is_taken_for_a_conversation() -> None:
    numbers = remembered(TURNS, HERE)
    for seed in range(200):
        chosen = random.Random(seed)
        broken = list(numbers)
        broken[chosen.randrange(1, len(broken) - 1)] ^= 1 << chosen.randrange(24)
        try:
            told = recalled(broken)
        except BodyError:
            continue
        assert told == (TURNS, HERE)  # a bit that fills up a byte
