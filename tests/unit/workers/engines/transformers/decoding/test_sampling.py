"""The next token."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ai_pal.errors import AiPalError
from ai_pal.protocol.options import GenerationOptions
from workers.engines.transformers.decoding.sampling import Sampler, likeliest, probabilities
from workers.engines.transformers.loading.defaults import Defaults, read_defaults, token_ids
from workers.engines.transformers.options import Sampling, read_sampling

LOGITS = torch.tensor([0.0, 3.0, 2.0, -1.0])


def defaults(**values: Any) -> Defaults:
    return Defaults(**values)


def drawn(asked: Sampling, said: Defaults, times: int = 60) -> set[int]:
    sampler = Sampler(asked, said)
    return {sampler.choose(LOGITS, [0]) for _ in range(times)}


def test_temperature_zero_takes_the_likeliest() -> None:
    assert drawn(Sampling(temperature=0), defaults()) == {1}


def test_a_high_temperature_reaches_every_token() -> None:
    assert drawn(Sampling(temperature=50, top_p=1, seed=1), defaults()) == {0, 1, 2, 3}


def test_a_small_top_p_keeps_only_the_likeliest() -> None:
    assert drawn(Sampling(temperature=5, top_p=0.1), defaults()) == {1}


def test_top_k_keeps_so_many() -> None:
    assert drawn(Sampling(temperature=50, top_p=1, top_k=2, seed=1), defaults()) == {1, 2}


def test_the_model_s_own_sampling_is_the_default() -> None:
    said = defaults(do_sample=True, temperature=50.0, top_p=1.0, top_k=2)
    assert drawn(Sampling(seed=1), said) == {1, 2}


SOUND: dict[str, Any] = {
    "do_sample": True,
    "temperature": 0.6,
    "top_p": 1,
    "top_k": -1,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
}
NO_VALUES = ["hot", "", "1", [], [0.5], {}, {"a": 1}, -2, float("inf"), float("nan")]


@pytest.mark.parametrize("name", SOUND)
def test_a_value_of_a_generation_config_that_is_none_is_passed_over(name: str) -> None:
    rest = Defaults(**{**SOUND, name: None})
    for value in [*NO_VALUES, None]:
        config = SimpleNamespace(**{**SOUND, name: value})
        if name != "do_sample" or not isinstance(value, int):
            assert read_defaults(config) == rest, value


def test_the_sound_values_of_a_generation_config_are_taken_as_they_are() -> None:
    assert read_defaults(SimpleNamespace(**SOUND, max_length=20)) == Defaults(**SOUND)


@pytest.mark.parametrize("said", [*NO_VALUES, None, True, 2.5, 400, [True, "2", -1, 400]])
def test_what_is_no_token_ends_no_answer(said: object) -> None:
    assert token_ids(said, 400) == set()


def test_ends_are_one_token_or_several() -> None:
    assert token_ids(2, 400) == {2}
    assert token_ids([2, 399, "x"], 400) == {2, 399}


@pytest.mark.parametrize("top_k", [0, -1])
def test_top_k_of_nothing_keeps_all(top_k: int) -> None:
    assert drawn(Sampling(temperature=50, top_p=1, top_k=top_k, seed=1), defaults()) == {0, 1, 2, 3}


def test_min_p_leaves_out_what_is_much_less_probable() -> None:
    assert drawn(Sampling(temperature=1, top_p=1, min_p=0.9), defaults()) == {1}
    assert drawn(Sampling(temperature=1, top_p=1, min_p=0.2, seed=1), defaults()) == {1, 2}


def test_a_bias_is_added_to_the_logits() -> None:
    assert drawn(Sampling(temperature=0, logit_bias={2: 1.5}), defaults()) == {2}
    assert drawn(Sampling(temperature=50, top_p=1, seed=1, logit_bias={1: -1e9}), defaults()) == {0, 2, 3}


def test_penalties_are_for_what_the_answer_has_said_not_the_prompt() -> None:
    said = [1, 1, 1]
    once = Sampler(Sampling(temperature=0, presence_penalty=1.5), defaults())
    assert once.choose(LOGITS, said, begin=3) == 1
    assert once.choose(LOGITS, said, begin=0) == 2
    each = Sampler(Sampling(temperature=0, frequency_penalty=0.4), defaults())
    assert each.choose(LOGITS, said, begin=1) == 1
    assert each.choose(LOGITS, said, begin=0) == 2


def test_a_temperature_beyond_all_numbers_takes_the_likeliest() -> None:
    assert drawn(Sampling(temperature=1e-300), defaults(), 3) == {1}


def test_probabilities_are_natural_logarithms_of_what_the_model_thought() -> None:
    told = probabilities(LOGITS, 2, 3)
    expected = LOGITS.log_softmax(-1).tolist()
    assert told.tokens == [1, 2, 0]
    assert told.logprobs == pytest.approx([expected[1], expected[2], expected[0]])
    assert told.chosen == pytest.approx(expected[2])


def test_a_penalty_changes_even_the_likeliest() -> None:
    sampler = Sampler(Sampling(temperature=0, repeat_penalty=10), defaults())
    assert sampler.choose(LOGITS, [1]) == 2


@pytest.mark.parametrize("seed", [0, -5, 1 << 70])
def test_the_same_seed_draws_the_same(seed: int) -> None:
    asked = Sampling(temperature=50, top_p=1, seed=seed)
    one, other = Sampler(asked, defaults()), Sampler(asked, defaults())
    assert [one.choose(LOGITS, [0]) for _ in range(20)] == [other.choose(LOGITS, [0]) for _ in range(20)]


def test_rows_without_a_usable_number_have_no_likeliest() -> None:
    rows = torch.stack([LOGITS, torch.full((4,), float("nan")), torch.full((4,), float("-inf"))])
    rows[0, 0] = float("-inf")
    assert likeliest(rows) == [1, None, None]


def test_extra_fills_in_and_named_options_win() -> None:
    read = read_sampling(GenerationOptions(temperature=0.5, extra={"temperature": 1, "top_k": "7"}))
    assert (read.temperature, read.top_k) == (0.5, 7)


@pytest.mark.parametrize(
    "wrong",
    [GenerationOptions(temperature=-1), GenerationOptions(top_p=1.5), GenerationOptions(max_tokens=0)],
    ids=str,
)
def test_impossible_options_are_a_bad_request(wrong: GenerationOptions) -> None:
    with pytest.raises(AiPalError) as caught:
        read_sampling(wrong)
    assert caught.value.code == "bad_request"
