"""The speed of this machine's memory is measured in a moment, and is one that memory can have."""

from ai_pal.memory.bandwidth import measured


def test_a_look_at_the_memory_gives_bytes_a_second_and_is_taken_once() -> None:
    found = measured(2)
    assert 1e8 < found < 1e13
    assert measured(2) == found
