"""Forced calls told apart while they are generated."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.llamacpp.calls import ForcedCalls
from workers.engines.llamacpp.grammars import opening

CALLS = st.lists(
    st.tuples(st.text(min_size=1, max_size=8), st.dictionaries(st.text(max_size=4), st.text(max_size=6))),
    min_size=1,
    max_size=4,
)


def pushed(text: str, cuts: list[int], *, cut: bool) -> list[tuple[str, str, int, str]]:
    """(id, name, place, arguments) of each call, from a text that comes in pieces."""
    calls = ForcedCalls(1)
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    pieces = [piece for start, end in itertools.pairwise(places) for piece in calls.push(text[start:end])]
    found: dict[int, tuple[str, str, int, str]] = {}
    for part, piece in [*pieces, *calls.end(cut=cut)]:
        before = found[part.place][3] if part.place in found else ""
        found[part.place] = part.call, part.name, part.place, before + piece
    return [found[place] for place in sorted(found)]


@given(CALLS, st.lists(st.integers(0, 1000), max_size=30))
def test_however_it_is_cut_into_pieces(calls: list[tuple[str, dict[str, str]]], cuts: list[int]) -> None:
    text = "\n".join(opening(name) + json.dumps(arguments) + "}" for name, arguments in calls)
    found = pushed(text, cuts, cut=False)
    assert [(name, json.loads(arguments)) for _, name, _, arguments in found] == calls
    assert [place for _, _, place, _ in found] == list(range(1, len(calls) + 1))
    assert len({call for call, *_ in found}) == len(calls)


def test_what_was_cut_off_is_told_as_far_as_it_came() -> None:
    text = opening("clock") + '{"a": {"b": 1}'
    assert pushed(text, [], cut=True)[0][3] == '{"a": {"b": 1}'
    assert pushed(opening("clock")[:9], [], cut=True) == []
