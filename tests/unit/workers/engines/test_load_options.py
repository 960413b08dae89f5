"""The options of a model that llama.cpp loads."""

import os

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.worker import LoadModel
from workers.engines.llamacpp.loading import SPINS, import_xllamacpp, load_options


def test_known_options_have_their_types() -> None:
    options = load_options(LoadModel("m", "llamacpp", options={"repack": "false", "chunk": 64, "slots": 2}))
    assert (options.repack, options.chunk) == (False, 64)


@pytest.mark.parametrize("options", [{"bogus": 512}, {"chunk": "many"}])
def test_a_mistyped_option_is_refused_and_the_known_ones_are_named(options: dict[str, object]) -> None:
    with pytest.raises(AiPalError) as refused:
        load_options(LoadModel("m", "llamacpp", options=options))
    assert refused.value.code == Code.CONFIG_INVALID
    assert "chunk" in refused.value.failure.hint


def test_a_choice_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(AiPalError, match="windows is one of auto, shared, own, not 'mine'"):
        load_options(LoadModel("m", "llamacpp", options={"windows": "mine"}))
    with pytest.raises(AiPalError, match="chunk: a whole number is wanted, not a text"):
        load_options(LoadModel("m", "llamacpp", options={"chunk": "many"}))


@pytest.mark.parametrize(("slots", "chunk"), [(0, 3), (8, 7)])
def test_a_chunk_that_cannot_hold_a_token_of_each_slot_is_refused(slots: int, chunk: int) -> None:
    with pytest.raises(AiPalError) as refused:
        load_options(LoadModel("m", "llamacpp", slots=slots, options={"chunk": chunk}))
    assert refused.value.code == Code.CONFIG_INVALID
    assert (
        load_options(LoadModel("m", "llamacpp", slots=slots, options={"chunk": chunk + 1})).chunk == chunk + 1
    )


@pytest.mark.parametrize(("said", "holds"), [(None, str(SPINS)), ("0", "0")])
def test_how_long_threads_wait_awake_is_the_users_to_say(
    said: str | None, holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", said or "")
    if said is None:
        monkeypatch.delenv("GOMP_SPINCOUNT")
    import_xllamacpp()
    assert os.environ["GOMP_SPINCOUNT"] == holds
