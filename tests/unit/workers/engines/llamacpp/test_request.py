"""The request that llama.cpp is asked with."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.options import GenerationOptions
from workers.engines.llamacpp import options
from workers.engines.llamacpp.request import RANDOM_SEED, sampling_body, stops_of


@pytest.mark.parametrize("seed", [-1, RANDOM_SEED, 2**32, 2**64 - 1, -(2**63)])
def test_no_seed_means_random(seed: int) -> None:
    assert 0 <= sampling_body(GenerationOptions(seed=seed))["seed"] < RANDOM_SEED


def test_usual_seeds_stay_and_none_is_none() -> None:
    assert sampling_body(GenerationOptions(seed=7))["seed"] == 7
    assert "seed" not in sampling_body(GenerationOptions())


def test_an_empty_stop_text_stops_nothing() -> None:
    assert stops_of(GenerationOptions(stop=["", "end"])) == ["end"]
    assert stops_of(GenerationOptions(stop=[""])) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("top_kk", "did you mean top_k?"),
        ("repeat_penaltyy", "did you mean repeat_penalty?"),
        ("repetition_penalty", "did you mean repeat_penalty?"),
        ("penalty_repeat", "did you mean repeat_penalty?"),
        ("num_ctx", "MODEL?context=N"),
        ("no_such_thing_at_all", "see the options"),
        ("messages", "leave this option out"),
        ("stream", "leave this option out"),
    ],
)
def test_what_llama_cpp_would_not_look_at_is_refused(name: str, hint: str) -> None:
    with pytest.raises(AiPalError) as caught:
        sampling_body(GenerationOptions(extra={"top_k": 3, name: 1}))
    assert caught.value.code == Code.BAD_REQUEST
    assert hint in caught.value.failure.hint


def test_what_it_looks_at_is_passed_on() -> None:
    extra = {
        "top_k": 3,
        "min_p": 0.1,
        "logit_bias": [[5, 1.0]],
        "grammar": "root ::= 'a'",
        "ignore_eos": True,
    }
    assert sampling_body(GenerationOptions(extra=extra)).items() >= extra.items()


def test_a_name_that_the_installed_library_has_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "KNOWN", frozenset({"top_k"}))
    options.check_options(["dynatemp_exponent"])


def test_the_longer_names_of_the_table_are_those_of_the_library() -> None:
    """A short one may be in the code itself, where it is no text."""
    import xllamacpp

    library = b"".join(file.read_bytes() for file in Path(xllamacpp.__file__).parent.glob("*.so"))
    gone = {"speculative.n_min", "speculative.n_max", "speculative.p_min", "thinking_forced_open"}
    long = {name for name in options.KNOWN - gone if len(name) > 16}
    assert [name for name in sorted(long) if name.encode() not in library] == []
