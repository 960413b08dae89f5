"""An answer cut at its marks, whatever pieces it comes in."""

import pytest

from workers.engines.regions import Region, Regions

THOUGHT = Region("reasoning_content", "<think>", "</think>")
CALL = Region("tool_calls", "<call>", "</call>")
OPEN_ENDED = Region("tool_calls", "[CALLS]", "")


def told(regions: Regions, text: str, size: int) -> list[tuple[str, str]]:
    """The texts in their regions, one after the other."""
    events = list(regions.initial_events)
    for at in range(0, len(text), size):
        events += regions.feed(text[at : at + size])
    events += regions.finalize()[1]
    found: list[tuple[str, str]] = []
    inside = 0
    for event in events:
        match event["type"]:
            case "region_open":
                inside += 1
                found.append((event["field"], ""))
            case "region_close":
                inside -= 1
                found.append(("content", ""))
            case _:
                field, before = found.pop() if found else ("content", "")
                assert event["field"] == field
                found.append((field, before + event["text"]))
    assert inside == 0
    return [one for one in found if one != ("content", "")]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("begun", "text", "expected"),
    [
        ("", "just text", [("content", "just text")]),
        ("", "<think>a</think>b", [("reasoning_content", "a"), ("content", "b")]),
        ("reasoning_content", "a</think>b", [("reasoning_content", "a"), ("content", "b")]),
        ("", "b<call>c</call> <call>d</call>", "b|c| |d"),
        ("", "<think>a <call> b</think>c", [("reasoning_content", "a <call> b"), ("content", "c")]),
        ("", "<call>never ended", [("tool_calls", "never ended")]),
        ("", "<call></call>", [("tool_calls", "")]),
        ("", "1 < 2 <th", [("content", "1 < 2 <th")]),
    ],
)
def test_it_is_cut_at_its_marks(
    begun: str, text: str, expected: str | list[tuple[str, str]], size: int
) -> None:
    found = told(Regions([THOUGHT, CALL], begun), text, size)
    if isinstance(expected, str):
        assert "|".join(text for _, text in found) == expected
    else:
        assert found == expected


@pytest.mark.parametrize("size", [1, 100])
def test_a_region_without_an_end_ends_with_its_next(size: int) -> None:
    found = told(Regions([OPEN_ENDED]), "so: [CALLS]one[CALLS]two", size)
    assert found == [("content", "so: "), ("tool_calls", "one"), ("tool_calls", "two")]


def test_a_text_is_told_as_soon_as_no_mark_can_begin_in_it() -> None:
    regions = Regions([CALL])
    assert [one["text"] for one in regions.feed("see <ca")] == ["see "]
    assert [one["text"] for one in regions.feed("rs>")] == ["<cars>"]
