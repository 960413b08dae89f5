"""What a worker lacks on its node when it is to start."""

import pytest

from ai_pal.cluster.room_here import shortage
from ai_pal.memory.devices import Device
from ai_pal.protocol.cluster import CardShare, Ticket

GB = 10**9


class Cards:
    """Implements `Devices`: two, for llama.cpp."""

    def look(self, engine: str) -> list[Device]:
        both = [Device("cuda:0", 2 * GB, 8 * GB, "", "x"), Device("cuda:1", 8 * GB, 8 * GB, "", "y")]
        return both if engine == "llamacpp" else []


@pytest.mark.parametrize(
    ("need", "cards", "lacks"),
    [
        (3, (), ""),
        (4, (), "4.0 GB is needed, 3.0 GB is free"),
        (1, (CardShare("x", 0.2, 2 * GB), CardShare("y", 1.0, 8 * GB)), ""),
        (1, (CardShare("x", 0.3, 3 * GB),), "3.0 GB is needed on cuda:0, 2.0 GB is free there"),
        (1, (CardShare("y", 0.3, GB), CardShare("z", 0.3, GB)), "there is no card z any more"),
    ],
)
def test_what_is_lacking_is_told_with_figures(need: int, cards: tuple[CardShare, ...], lacks: str) -> None:
    assert shortage(Ticket("w", "a", "", "", need=need * GB, cards=cards), 3 * GB, Cards()) == lacks
