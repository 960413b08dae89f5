"""Models as Anthropic lists them."""

import pytest

from ai_pal.catalog.inventory.details import Details
from ai_pal.gateway.anthropic.models import listed
from ai_pal.gateway.wire.bodies import BodyError


@pytest.mark.parametrize("name", ["lifecycle", "lifecycle[]"])
def test_stages_are_chosen_with_brackets_and_without(name: str) -> None:
    for stages, count in (("active", 1), ("retired,active", 1), ("retired", 0)):
        assert len(listed([("m", Details())], {name: stages})["data"]) == count
    with pytest.raises(BodyError) as caught:
        listed([], {name: "young"})
    assert caught.value.param == "lifecycle"
