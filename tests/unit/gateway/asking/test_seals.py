"""Thoughts as clients keep them."""

import pytest

from ai_pal.gateway.asking import seals


@pytest.mark.parametrize("signature", ["", "theirs"])
def test_what_is_shown_is_what_was_meant(signature: str) -> None:
    assert seals.shown(signature)
    assert seals.meant(seals.shown(signature)) == signature
    assert seals.opened(seals.sealed("Größe?", signature)) == seals.Thought("Größe?", signature)


def test_a_seal_of_somebody_else_is_none_of_ours_and_a_broken_one_holds_nothing() -> None:
    assert seals.opened("gAAAAA") is None
    assert seals.opened("ai-pal:e30=") == seals.opened("ai-pal:!") == seals.Thought("")
