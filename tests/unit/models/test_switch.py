"""The switch of tier 1."""

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.models.switch import VARIABLE, direct_loading


@pytest.mark.parametrize("text", ["", "true", "1", "Yes", "on "])
def test_the_variable_leaves_it_to_the_program(text: str) -> None:
    assert direct_loading(True, {VARIABLE: text})
    assert not direct_loading(False, {VARIABLE: text})


@pytest.mark.parametrize("text", ["false", "0", "No", "OFF"])
def test_the_variable_turns_it_off(text: str) -> None:
    assert not direct_loading(True, {VARIABLE: text})


def test_without_the_variable_the_program_decides() -> None:
    assert direct_loading(True, {})
    assert not direct_loading(False, {})


def test_a_typing_error_is_not_taken_for_a_yes() -> None:
    with pytest.raises(AiPalError) as caught:
        direct_loading(True, {VARIABLE: "flase"})
    assert caught.value.code == Code.CONFIG_INVALID
