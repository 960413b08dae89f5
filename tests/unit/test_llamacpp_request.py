"""The request that llama.cpp is asked with."""

import pytest

from ai_pal.messages.chat import Message, Options
from workers.engines.llamacpp_answer import RANDOM_SEED, request_body

HELLO = [Message("user", "hello")]


@pytest.mark.parametrize("seed", [-1, RANDOM_SEED, 2**32, 2**64 - 1, -(2**63)])
def test_no_seed_means_random(seed: int) -> None:
    assert 0 <= request_body(HELLO, Options(seed=seed))["seed"] < RANDOM_SEED


def test_usual_seeds_stay_and_none_is_none() -> None:
    assert request_body(HELLO, Options(seed=7))["seed"] == 7
    assert "seed" not in request_body(HELLO, Options())


def test_an_empty_stop_text_stops_nothing() -> None:
    assert request_body(HELLO, Options(stop=["", "end"]))["stop"] == ["end"]
    assert "stop" not in request_body(HELLO, Options(stop=[""]))
