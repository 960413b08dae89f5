"""Which blocks of a model go on which device."""

from ai_pal.memory.devices import Device
from ai_pal.memory.placement import RESERVE, Blocks, Short, plan
from ai_pal.protocol.worker import Share

MODEL = Blocks(loaded=(100, 100, 100, 50), growth=(10, 10, 10, 0))
WHOLE = MODEL._replace(whole=True)


def card(number: int, room: int) -> Device:
    return Device(f"cuda:{number}", RESERVE + room, 2 * RESERVE + room)


def test_all_that_fits_goes_on_the_one_device_with_the_most_room() -> None:
    assert plan(MODEL, [card(0, 400), card(1, 500)]) == [Share("cuda:1", 4, 350, 30)]


def test_the_last_blocks_go_where_not_all_fit() -> None:
    assert plan(MODEL, [card(0, 160)]) == [Share("cuda:0", 2, 150, 10)]
    assert plan(MODEL, [card(0, 159)]) == [Share("cuda:0", 1, 50, 0)]


def test_a_model_is_split_over_several_in_its_order() -> None:
    assert plan(MODEL, [card(0, 220), card(1, 160)]) == [
        Share("cuda:0", 2, 200, 20),
        Share("cuda:1", 2, 150, 10),
    ]
    assert plan(MODEL, [card(0, 20), card(1, 220), card(2, 60)]) == [
        Share("cuda:1", 2, 200, 20),
        Share("cuda:2", 1, 50, 0),
    ]


def test_a_whole_model_is_on_devices_or_on_the_host() -> None:
    assert plan(WHOLE, [card(0, 300)]) == []
    assert plan(WHOLE, [card(0, 220), card(1, 160)]) == [
        Share("cuda:0", 2, 200, 20),
        Share("cuda:1", 2, 150, 10),
    ]


def test_what_is_asked_for_by_name_is_placed_so_or_falls_short() -> None:
    cards = [card(0, 500), card(1, 200)]
    assert plan(MODEL, cards, "cpu") == plan(MODEL, cards, count=0) == plan(MODEL, []) == []
    assert plan(MODEL, cards, "cuda:1") == [Share("cuda:1", 2, 150, 10)]
    assert plan(MODEL, cards, "cuda:1", count=2) == [Share("cuda:1", 2, 150, 10)]
    assert plan(MODEL, cards, count=99) == [Share("cuda:0", 4, 350, 30)]
    assert plan(MODEL, cards, "cuda:1", count=3) == Short(270, 200)
    assert plan(WHOLE, cards, "cuda:1") == Short(380, 200)
    assert plan(MODEL, [card(0, 10)], "cuda") == Short(50, 10)
    assert plan(MODEL, [card(0, 10)]) == []
    assert plan(MODEL, [Device("cuda:0", 5, 5)], count=1) == Short(50, 0)
