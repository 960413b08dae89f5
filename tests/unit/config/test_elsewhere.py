"""References that name a provider's model."""

import pytest

from ai_pal.config.elsewhere import Elsewhere, elsewhere

PROVIDERS = frozenset({"gw", "ollama"})


@pytest.mark.parametrize(
    ("reference", "model"),
    [
        ("gw:m", "m"),
        ("gw:meta-llama/x", "meta-llama/x"),
        ("gw:gw:m:free", "gw:m:free"),
        ("gw: m", "m"),
        (" gw:m ", "m"),
        ("gw\t:m\n", "m"),
        ("gw:a b", "a b"),
    ],
)
def test_what_follows_a_providers_name_is_its_model_and_blanks_around_it_are_no_part(
    reference: str, model: str
) -> None:
    assert elsewhere(reference, PROVIDERS) == Elsewhere("gw", model)


@pytest.mark.parametrize(
    "reference", ["", "gw", "gw:", "gw:  ", ":m", "smollm2", "phi-2:4bit", "gw/m", "GW:m"]
)
def test_all_others_are_models_of_this_machine(reference: str) -> None:
    assert elsewhere(reference, PROVIDERS) is None
